"""A plan says what a training needs, and what to change where it does not fit."""

from pathlib import Path

import pytest

from matey_core import planning
from matey_core.errors import ConfigError
from matey_core.planning import PlanConfig, plan
from tests.training import pretrain_config


def config(project: Path, **changes: object) -> PlanConfig:
    own = pretrain_config(project)
    values = {key: getattr(own, key) for key in own.model_fields_set}
    if "minutes" in changes:
        values.pop("steps")
    return PlanConfig(**{**values, "probe_seconds": 0.05, **changes})


def test_steps_take_hours_that_cost(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []
    monkeypatch.setattr(planning, "keep_freed_memory", lambda: kept.append(True))
    report = plan(config(project, batch_size=8, accumulate=2, devices=2, price=3.0, steps=100))
    assert (report.micro_batch, report.accumulate, report.samples) == (2, 2, 800)
    assert report.tokens == 800 * 2 * 10  # two of four cells become four each, in two frames
    seconds = 100 * report.step_seconds + report.validations * report.validation_seconds
    assert report.validations == 5
    assert report.hours == pytest.approx(seconds / 3600)
    assert report.cost == pytest.approx(2 * 3.0 * report.hours)
    assert report.exchange_seconds == pytest.approx(4 * report.parameters / 10e9)
    assert report.fits
    assert kept == [True]  # as training does, or steps take longer and less memory here
    assert report.proposal is not None
    assert report.proposal.options == ()
    assert not (project / "runs").exists()


def test_minutes_buy_steps(project: Path) -> None:
    short, long = (plan(config(project, minutes=minutes)) for minutes in (1.0, 60.0))
    assert short.hours == 1 / 60
    assert 5 < long.steps / short.steps < 600
    spent = short.steps * short.step_seconds + short.validations * short.validation_seconds
    assert spent == pytest.approx(60, rel=0.1)


@pytest.mark.slow
def test_what_does_not_fit_gets_a_proposal_or_is_told(project: Path) -> None:
    large = config(project, batch_size=64, history=4)
    free = plan(large)
    assert free.memory_law.slope > 0
    limit = int((free.memory_law.at(16) + 0.01 * free.memory_law.slope) / 0.95)
    tight = plan(large.model_copy(update={"memory": limit}))
    assert tight.proposal is not None
    assert tight.proposal.micro_batch < 64
    assert f"--accumulate {64 // tight.proposal.micro_batch}" in tight.proposal.options
    assert tight.proposal.memory <= limit
    none = plan(large.model_copy(update={"memory": 1_000_000}))
    assert (none.proposal, none.is_measured, none.fits) == (None, False, False)


def test_devices_must_share_the_batch(project: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be shared evenly by 3 processes"):
        plan(config(project, devices=3))
