"""Fine-tuning changes what it should, on the data it should."""

from pathlib import Path

import pytest
import torch

from matey_core.config import validate
from matey_core.errors import CheckpointError, ConfigError
from matey_core.models import load_model, save_model
from matey_core.runs.subset import subset
from matey_core.store import open_store
from matey_core.workflows.finetune import FinetuneConfig, finetune
from matey_core.workflows.pretrain import pretrain
from matey_core.workflows.rollout import RolloutConfig, rollout
from tests.support import tiny_store
from tests.training import finetune_config, pretrain_config, tiny_model


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One store, and a model that has trained on it for two steps."""
    tiny_store(tmp_path / "data", name="flow_periodic")
    pretrain(pretrain_config(tmp_path, steps=2))
    return tmp_path


@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_frozen_attention_stays_bit_for_bit_and_all_else_changes(
    tmp_path: Path, scheme: str
) -> None:
    tiny_store(tmp_path / "data", name="flow_periodic")
    tokenizer = tiny_model().tokenizer
    if scheme == "axial":
        tokenizer = tokenizer.model_copy(update={"name": "adap_mul"})
    model = tiny_model(scheme=scheme, tokenizer=tokenizer)
    source = pretrain(pretrain_config(tmp_path, steps=2, model=model))
    report = finetune(finetune_config(tmp_path, steps=20, finetune="frozen_attention"))
    # The last weights, not the best: those of exactly 20 steps.
    after = load_model(report.run / "checkpoints/step-00000020/model")
    before = dict(load_model(source.model).named_parameters())
    changed: dict[str, list[bool]] = {"trained": [], "frozen": []}
    for name, value in after.named_parameters():
        kind = "frozen" if after.part_of(name) == "attention" else "trained"
        changed[kind].append(not torch.equal(value, before[name]))
    assert changed["trained"]
    assert changed["frozen"]
    assert all(changed["trained"])
    assert not any(changed["frozen"])
    counts = report.start.parameters
    assert set(counts.trained) == {"stem", "head", "fields"}
    assert set(counts.frozen) == {"attention"}
    total = sum(value.numel() for value in before.values())
    assert counts.num_trained + counts.num_frozen == total


def test_a_store_that_is_new_is_taken_and_its_fields_are_learned(project: Path) -> None:
    tiny_store(project / "data", name="reaction", fields=("activator", "inhibitor"))
    report = finetune(finetune_config(project))
    assert [store.name for store in report.start.stores] == ["reaction"]
    assert "Stores that the model has not seen are taken: reaction." in report.start.notes
    assert "Fields that are new to the model: activator, inhibitor." in report.start.notes
    known = set(load_model(report.model).fields)
    assert known == {"density", "velocity_x", "activator", "inhibitor"}
    again = finetune(finetune_config(project, source=report.run))
    assert len(again.start.stores) == 2
    assert any("has seen every store" in note for note in again.start.notes)


def test_a_rollout_is_on_what_was_tuned_on_unless_others_are_asked_for(project: Path) -> None:
    new = tiny_store(project / "data", name="reaction", fields=("activator", "inhibitor"))
    report = finetune(finetune_config(project))
    wanted = RolloutConfig(run=report.run, runs=project / "runs", steps=1, windows=1)

    def rolled(**settings: object) -> tuple[list[str], tuple[str, ...]]:
        found = rollout(wanted.model_copy(update=settings))
        return [store.store for store in found.stores], found.earlier

    assert rolled() == (["reaction"], ("flow_periodic",))
    assert rolled(store=("flow_periodic",)) == (["flow_periodic"], ())
    assert rolled(data=project / "data") == (["flow_periodic", "reaction"], ())
    again = finetune(finetune_config(project, source=report.run, data=new))
    assert rolled(run=again.run) == (["reaction"], ("flow_periodic",))
    (report.run / "start.json").unlink()  # as version 0.1 left it
    assert rolled() == (["flow_periodic", "reaction"], ())


@pytest.mark.parametrize("mode", ["head_only", "lora", "frozen_attention"])
def test_what_is_new_to_the_model_trains_in_every_mode(project: Path, mode: str) -> None:
    tiny_store(project / "data", name="line_periodic", shape=(16,), fields=("pressure",))
    report = finetune(finetune_config(project, finetune=mode, steps=2))
    before = dict(load_model(project / "runs/pretrain-001/model").named_parameters())
    trained = report.start.parameters.trained
    model = load_model(report.model)
    new = [
        (model.part_of(name), value.numel())
        for name, value in model.named_parameters()
        if name not in before or before[name].shape != value.shape
    ]
    assert {part for part, _ in new} == {"stem", "head", "fields"}
    for part in ("stem", "head", "fields"):
        assert trained[part] >= sum(count for other, count in new if other == part)
    if mode == "lora":
        assert {part: trained[part] for part, _ in new} == {
            part: sum(count for other, count in new if other == part) for part, _ in new
        }


def test_the_newest_pretraining_is_the_source_unless_a_run_is_named(project: Path) -> None:
    one = finetune(finetune_config(project, name="one"))
    two = finetune(finetune_config(project, name="two"))
    first, second = load_model(one.model).state_dict(), load_model(two.model).state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_bare_model_directory_is_a_source(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    save_model(load_model(project / "runs/pretrain-001/model"), folder)
    report = finetune(finetune_config(project, source=folder))
    assert any("not recorded" in note for note in report.start.notes)
    assert report.steps == 4


def test_from_scratch_forgets_the_weights_and_freezes_what_is_asked(project: Path) -> None:
    report = finetune(
        finetune_config(
            project,
            steps=1,
            from_scratch=True,
            finetune={"mode": "frozen_attention", "save": "adapter"},
            seed=7,
        )
    )
    assert set(report.start.parameters.frozen) == {"attention"}
    assert any("stay random" in note for note in report.start.notes)
    assert any("the whole model is saved" in note for note in report.start.notes)
    control, source = load_model(report.model), load_model(project / "runs/pretrain-001/model")
    assert control.config == source.config
    name, largest = max(source.named_parameters(), key=lambda named: named[1].numel())
    other = control.get_parameter(name)
    cosine = torch.nn.functional.cosine_similarity(largest.flatten(), other.flatten(), dim=0)
    assert abs(float(cosine.detach())) < 0.1


def test_samples_are_nested_seeded_and_as_many_as_there_are(tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path, samples=40, frames=3, split=(0.8, 0.1, 0.1)))
    chosen = {size: subset(store, size, seed=1) for size in (8, 16, 32, 99)}
    assert [len(samples) for samples in chosen.values()] == [8, 16, 32, 32]
    assert set(chosen[8]) < set(chosen[16]) < set(chosen[32]) == set(store.samples("train"))
    assert chosen[8] == subset(store, 8, seed=1) != subset(store, 8, seed=2)
    other = open_store(
        tiny_store(tmp_path, name="other", samples=40, frames=4, split=(0.8, 0.1, 0.1))
    )
    assert other.fingerprint != store.fingerprint
    assert other.samples("train") == store.samples("train")
    assert subset(other, 8, seed=1) == chosen[8]  # neither name nor values decide
    assert subset(other, 8, seed=1, by="store") != subset(store, 8, seed=1, by="store")


def test_fewer_samples_than_asked_for_is_said(project: Path) -> None:
    report = finetune(finetune_config(project, n_samples=8, steps=1))
    count = report.start.stores[0].trajectories
    note = f"flow_periodic has {count} training trajectories, not 8: all are taken."
    assert note in report.start.notes
    report = finetune(finetune_config(project, n_samples=1, steps=1))
    assert report.start.stores[0].trajectories == 1


def test_mistakes_leave_no_run(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown name 'frozen' in finetuning"):
        validate(FinetuneConfig, {"finetune": "frozen"}, source="")
    with pytest.raises(CheckpointError):
        finetune(finetune_config(project, source=tmp_path / "nothing"))
    nothing = {"mode": "layerwise", "stem": 0.0, "attention": 0.0, "head": 0.0, "fields": 0.0}
    with pytest.raises(ConfigError, match="trains nothing"):
        finetune(finetune_config(project, finetune=nothing))
    assert [path.name for path in (project / "runs").iterdir()] == ["pretrain-001"]


def test_without_a_model_pretrain_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        finetune(finetune_config(tmp_path))
    assert "matey pretrain" in caught.value.remedy
