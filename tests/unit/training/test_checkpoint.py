"""Checkpoints are complete or absent, and hold no code."""

import errno
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import SGD, Optimizer

from matey_core.durable import written
from matey_core.errors import CheckpointError, RunError
from matey_core.finetuning.lora import LoraConfig
from matey_core.models import load_model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.optimizers.muon import MuonConfig
from matey_core.schedules.warmup_cosine import WarmupCosine
from matey_core.training import (
    CheckpointFolder,
    Progressed,
    TrainState,
    load_checkpoint,
)
from tests.training import tiny_model


def adamw(model: nn.Module) -> Optimizer:
    return AdamwConfig(learning_rate=1e-3, weight_decay=1e-3).build(model)


def muon(model: nn.Module) -> Optimizer:
    return MuonConfig().build(model)


def momentum(model: nn.Module) -> Optimizer:
    return SGD(model.parameters(), lr=1e-3, momentum=0.9)


def new_state(seed: int, build: Callable[[nn.Module], Optimizer] = adamw) -> TrainState:
    torch.manual_seed(seed)
    model = tiny_model().build(fields=("u", "v"), num_axes=(2,))
    optimizer = build(model)
    for index, parameter in enumerate(model.parameters()):
        if index % 3:  # some have never been used
            parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    return TrainState(
        model=model,
        optimizer=optimizer,
        schedule=WarmupCosine(warmup=1, steps=10),
        step=seed,
        skipped=2,
        skipped_in_a_row=1,
    )


def progressed(step: int) -> Progressed:
    return Progressed(
        mixture={"step": step, "seed": 0},
        random_states=[torch.get_rng_state()],
        best={"step": 3, "score": 0.25},
        precision="bfloat16",
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return CheckpointFolder(tmp_path / "checkpoints").save(new_state(5), progressed(5))


@pytest.mark.filterwarnings("ignore:.*meta parameter")  # there is no GPU to be elsewhere
def test_the_optimizer_is_restored_to_where_the_model_is(saved: Path) -> None:
    state = new_state(6)
    state.model.to("meta")
    load_checkpoint(saved, state)
    kept = [value for each in state.optimizer.state.values() for value in each.values()]
    assert {value.device.type for value in kept} == {"meta"}
    assert len(kept) == 3 * len(state.optimizer.state) > 0


@pytest.mark.parametrize("build", [adamw, momentum, muon])
def test_everything_comes_back(tmp_path: Path, build: Callable[[nn.Module], Optimizer]) -> None:
    original, state = new_state(5, build), new_state(6, build)
    found = load_checkpoint(CheckpointFolder(tmp_path).save(original, progressed(5)), state)
    assert state.optimizer.state
    assert (state.step, state.skipped, state.skipped_in_a_row) == (5, 2, 1)
    assert found.mixture == {"step": 5, "seed": 0}
    assert found.best == {"step": 3, "score": 0.25}
    assert found.resumed_precision.name == "bfloat16"
    pairs = zip(original.model.parameters(), state.model.parameters(), strict=True)
    for expected, parameter in pairs:
        assert torch.equal(expected, parameter)
        theirs, ours = original.optimizer.state.get(expected), state.optimizer.state.get(parameter)
        assert (theirs is None) == (ours is None)
        for key in theirs or ():
            assert torch.equal(theirs[key], ours[key])


@pytest.mark.parametrize(
    ("change", "complaint"), [("shape", "has another shape"), ("absence", "lacks one of")]
)
def test_an_optimizer_that_does_not_fit_is_refused(
    saved: Path, change: str, complaint: str
) -> None:
    tensors = load_file(saved / "state.safetensors")
    key = next(name for name in tensors if name.endswith(".exp_avg_sq"))
    values = tensors.pop(key)
    if change == "shape":
        tensors[key] = values.flatten()[:1]
    save_file(tensors, saved / "state.safetensors")
    with pytest.raises(CheckpointError, match=complaint):
        load_checkpoint(saved, new_state(6))


def test_the_last_the_one_before_and_the_best_at_either_are_kept(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.named("last") is None
    for step, best in ((1, 1), (2, 1), (3, 3), (4, 3), (5, 5)):
        saved = replace(progressed(step), best={"step": best, "score": 1 / step})
        path = folder.save(new_state(step), saved)
        if best == step:
            folder.point("best", path)
        folder.prune()
    # Were the last one damaged, which is the best as well, the best at step 4 would be needed.
    names = sorted(path.name for path in folder.path.iterdir())
    assert names == ["best", "last", "step-00000003", "step-00000004", "step-00000005"]
    assert folder.named("last") == folder.path / "step-00000005"


@pytest.mark.parametrize(
    "best", ["http://127.0.0.1/x", {"step": "x"}, {"step": 1e999}, {"step": []}]
)
def test_a_damaged_note_of_the_best_is_an_error(tmp_path: Path, best: object) -> None:
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for step in (1, 2):
        folder.save(new_state(step), progressed(step))
    state = folder.of_step(1) / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"best": best}))
    with pytest.raises(CheckpointError, match=r"step-00000001.state\.json cannot be read"):
        folder.best_at(folder.of_step(1))
    folder.prune()
    assert folder.of_step(2).is_dir()


@pytest.mark.parametrize(
    "file", ["state.safetensors", "model/model.safetensors", "state.json", "model/model.json"]
)
def test_pickles_are_refused_and_never_run(saved: Path, file: str, tmp_path: Path) -> None:
    proof = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (eval, (f"open({str(proof)!r}, 'w')",))

    (saved / file).write_bytes(pickle.dumps(Attack()))
    with pytest.raises(CheckpointError, match="step-00000005"):
        load_checkpoint(saved, new_state(6))
    torch.save({"weights": torch.ones(3)}, saved / file)
    with pytest.raises(CheckpointError, match="step-00000005"):
        load_checkpoint(saved, new_state(6))
    assert not proof.exists()


@pytest.mark.parametrize(
    ("key", "value"), [("best", 3), ("best", {"step": "x"}), ("mixture", 3), ("processes", 2)]
)
def test_numbers_that_cannot_be_are_refused(saved: Path, key: str, value: object) -> None:
    numbers = json.loads((saved / "state.json").read_text())
    (saved / "state.json").write_text(json.dumps({**numbers, key: value}))
    with pytest.raises(CheckpointError, match="is not a checkpoint of this run"):
        load_checkpoint(saved, new_state(6))


def test_another_model_is_refused_in_a_sentence(saved: Path) -> None:
    small, other = new_state(6), new_state(6)
    small.model = (
        tiny_model().model_copy(update={"width": 16}).build(fields=("u", "v"), num_axes=(2,))
    )
    with pytest.raises(CheckpointError, match=r"model ti \(32×2, .*settings say ti \(16×2, "):
        load_checkpoint(saved, small)
    other.model = tiny_model().build(fields=("u", "v", "w"), num_axes=(2,))
    with pytest.raises(CheckpointError, match="is not a checkpoint of this run") as caught:
        load_checkpoint(saved, other)
    assert len(str(caught.value)) < 400  # PyTorch names every weight that differs
    assert "\n" not in str(caught.value)


def adapted_state(seed: int) -> TrainState:
    """A fresh model with adapters that have trained once."""
    torch.manual_seed(seed)
    model = tiny_model().build(fields=("u", "v"), num_axes=(2,))
    mode = LoraConfig(rank=2)
    mode.prepare(model)
    optimizer = AdamwConfig(learning_rate=0.1).build(model)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    schedule = WarmupCosine(warmup=1, steps=10)
    return TrainState(model=model, optimizer=optimizer, schedule=schedule, mode=mode, step=seed)


def test_what_trains_comes_back_beside_the_merged_model(tmp_path: Path) -> None:
    original, state = adapted_state(5), adapted_state(6)
    path = CheckpointFolder(tmp_path).save(original, progressed(5))
    load_checkpoint(path, state)
    expected = original.model.state_dict()
    assert all(
        torch.equal(value, expected[name]) for name, value in state.model.state_dict().items()
    )
    merged = load_model(path / "model").state_dict()
    changed = [name for name, value in merged.items() if not torch.equal(value, expected[name])]
    assert changed
    assert all(name.replace(".weight", ".lora.up") in expected for name in changed)
    (path / "weights.safetensors").write_bytes(pickle.dumps(expected))
    with pytest.raises(CheckpointError, match="step-00000005"):
        load_checkpoint(path, state)


@pytest.mark.parametrize("file", ["state.safetensors", "model/model.safetensors", "state.json"])
def test_a_missing_file_is_named(saved: Path, file: str) -> None:
    (saved / file).unlink()
    with pytest.raises(CheckpointError, match=Path(file).name.replace(".", r"\.")):
        load_checkpoint(saved, new_state(6))


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc", "step-1", ""])
def test_a_pointer_leads_to_checkpoints_only(saved: Path, name: str) -> None:
    (saved.parent / "last").write_text(name)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        CheckpointFolder(saved.parent).named("last")


@pytest.mark.parametrize(
    ("error", "expected", "told"),
    [
        (OSError(errno.ENOSPC, "No space left"), RunError, "written: No space left."),
        (shutil.Error([("a", "b", "No space left: 'a' -> 'b'")]), RunError, ": No space left: 'a'"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_what_fails_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, error: BaseException, expected: type[BaseException], told: str | None
) -> None:
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()

    def replace() -> None:
        with written(path) as partial:
            partial.mkdir()
            (partial / "new").touch()
            raise error

    with pytest.raises(expected, match=told):
        replace()
    assert [found.relative_to(tmp_path) for found in tmp_path.rglob("*")] == [
        Path("model"),
        Path("model/old"),
    ]
