"""Blends of first frames: chosen by validation, kept with the model, used in rollouts."""

from pathlib import Path

import pytest

from matey_core.errors import CheckpointError, Interrupted
from matey_core.models import load_model, save_model
from matey_core.progress import Progress
from matey_core.workflows.finetune import finetune
from matey_core.workflows.pretrain import PretrainConfig, pretrain, resume
from matey_core.workflows.rollout import RolloutConfig, StoreRollout, rollout
from tests.support import tiny_store
from tests.training import finetune_config, pretrain_config, tiny_model

NAME = "flow_periodic"


def blended(tmp_path: Path, **settings: object) -> PretrainConfig:
    model = {"variant": "unet", "width": 4, "levels": 1, "blend": True}
    return pretrain_config(tmp_path, model=model, max_lead=1, **settings)


def rolled(run: Path, *, blend: bool = True) -> StoreRollout:
    [store] = rollout(RolloutConfig(run=run, blend=blend, steps=2)).stores
    return store


def test_they_are_chosen_kept_and_used_for_the_first_frame(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", name=NAME)
    report = pretrain(blended(tmp_path, steps=2))
    assert set(load_model(report.model).blends[NAME]) == {"density", "velocity_x"}
    ours, plain = rolled(report.run), rolled(report.run, blend=False)
    assert set(ours.blended) == {"density", "velocity_x"}
    assert plain.blended == {}
    one_step = ours.one_step_mean["nrmse"]
    assert one_step.error < 0.5 * plain.one_step_mean["nrmse"].error
    assert ours.rollout[0].mean["nrmse"].error < 0.5 * plain.rollout[0].mean["nrmse"].error


def test_a_finetuning_chooses_its_own(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", name=NAME)
    pretrain(blended(tmp_path, steps=2))
    tiny_store(tmp_path / "data", name="other_periodic")
    report = finetune(finetune_config(tmp_path, steps=2))  # on what is new
    assert set(load_model(report.model).blends) == {"other_periodic"}


def stop_at_3(progress: Progress) -> None:
    if progress.done == 3:
        raise KeyboardInterrupt


def test_a_resumed_run_has_the_same(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", name=NAME)
    whole = pretrain(blended(tmp_path, steps=4, checkpoint_every=2, name="whole"))
    with pytest.raises(Interrupted):
        pretrain(blended(tmp_path, steps=4, checkpoint_every=2, name="cut"), stop_at_3)
    again = resume(tmp_path / "runs", "cut")
    expected = (whole.model / "blend.json").read_bytes()
    assert (again.model / "blend.json").read_bytes() == expected


DAMAGED = (
    "{}",
    "[1]",
    '{"format": 2, "datasets": {}}',
    '{"format": 1, "datasets": {"a": {"u": {"most": 2.0, "tolerated": 0.1}}}}',
    '{"format": 1, "datasets": {"a": {"u": {"most": 0.5, "tolerated": 0.0}}}}',
    '{"format": 1, "datasets": {"a": {"u": {"most": NaN, "tolerated": 0.1}}}}',
    '{"format": 1, "datasets": {"a": {"u": 1}}}',
)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    save_model(tiny_model().build(fields=("u",), num_axes=(2,)), tmp_path)
    for text in DAMAGED:
        (tmp_path / "blend.json").write_text(text)
        with pytest.raises(CheckpointError, match=r"blend\.json cannot be read"):
            load_model(tmp_path)
