"""Trainings that have a time instead of a number of steps."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from torch import nn

from matey_core.config import read_toml
from matey_core.errors import CheckpointError, Interrupted
from matey_core.models import Model
from matey_core.progress import Progress
from matey_core.runs import fit
from matey_core.runs.start import StartFacts
from matey_core.runs.time_plan import MINUTES_BY_DEVICE, with_length
from matey_core.schedules.warmup_cosine import LOWEST
from matey_core.training.time_budget import TimeBudget
from matey_core.workflows.finetune import finetune
from matey_core.workflows.finetune import resume as resume_finetuning
from matey_core.workflows.pretrain import PretrainConfig, pretrain, resume
from tests.training import TOML, events, finetune_config, pretrain_config

MINUTES = 0.04
"""2.4 seconds: some dozens of steps of a tiny model."""


@pytest.fixture(autouse=True)
def processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count what this process computes; other processes of a busy machine take no time."""
    clock = time.process_time
    monkeypatch.setattr(fit, "time", SimpleNamespace(monotonic=clock))
    monkeypatch.setitem(TimeBudget.__init__.__kwdefaults__, "clock", clock)


def timed_config(folder: Path, **changes: object) -> PretrainConfig:
    return pretrain_config(folder, **{"minutes": MINUTES, **changes})


def stop_at(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            raise KeyboardInterrupt

    return on_progress


@pytest.mark.slow
def test_the_schedule_is_finished_when_the_time_is(project: Path) -> None:
    heard: list[StartFacts] = []
    progress: list[Progress] = []
    pretrain(pretrain_config(project, steps=1))  # imports what would take a part of the time
    config = timed_config(project, minutes=2 * MINUTES)
    report = pretrain(config, progress.append, on_start=heard.append)
    steps = events(report.run, "step")
    peak = config.optimizer.learning_rate  # type: ignore[attr-defined]
    assert steps[-1]["learning_rate"] == pytest.approx(LOWEST * peak)
    assert max(row["learning_rate"] for row in steps) > 0.5 * peak
    shares = [row["share"] for row in steps]
    assert shares == sorted(shares)
    assert (shares[0] < 0.9, shares[-1]) == (True, 1.0)
    assert report.steps == len(steps) == progress[-1].total
    assert events(report.run, "validation")[-1]["step"] == report.steps

    plan = heard[0].plan
    assert plan is not None
    assert (plan.minutes, plan.steps) == (2 * MINUTES, heard[0].steps)
    assert plan.step_seconds > 0
    assert plan.seconds_left <= 2 * 60 * MINUTES
    assert abs(plan.ends_at - time.time()) < 600


def test_a_run_of_minutes_is_written_without_steps(project: Path) -> None:
    report = pretrain(timed_config(project, minutes=0.02))
    written = read_toml(report.run / "config.toml")
    assert (written["minutes"], "steps" in written) == (0.02, False)
    plain = read_toml(pretrain(pretrain_config(project, steps=1)).run / "config.toml")
    assert (plain["steps"], "minutes" in plain) == (1, False)


def test_a_resumed_run_has_the_rest_of_the_time(project: Path) -> None:
    config = timed_config(project, name="cut", checkpoint_every=1)
    shares: list[float] = []

    def stop_halfway(progress: Progress) -> None:
        shares.append(events(project / "runs/cut", "step")[-1]["share"])
        if shares[-1] > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="is kept"):
        pretrain(config, stop_halfway)
    rest = resume(project / "runs", "cut")
    steps = events(rest.run, "step")
    continued = [row["share"] for row in steps if row["step"] > rest.start.step]
    assert rest.start.step >= len(shares) - 1 > 0
    assert continued[0] >= shares[-2]
    assert [row["step"] for row in steps] == list(range(1, rest.steps + 1))
    peak = config.optimizer.learning_rate  # type: ignore[attr-defined]
    assert steps[-1]["learning_rate"] == pytest.approx(LOWEST * peak)
    assert rest.start.plan is not None
    assert rest.start.plan.seconds_left < 0.8 * 60 * MINUTES
    with pytest.raises(CheckpointError, match=r"trained for all of its 0\.04 minutes"):
        resume(project / "runs", "cut")


def test_a_pushforward_grows_with_the_time(project: Path) -> None:
    objective = {"name": "pushforward", "horizon": 2, "grow_from": 0.5, "grow_until": 0.5}
    calls: list[int] = [0]

    def count(module: nn.Module, inputs: object) -> None:
        calls[-1] += isinstance(module, Model) and module.training

    # A validation would move a share on after it was written down.
    config = timed_config(project, objective=objective, workers=1, validate_every=10**6)
    hook = nn.modules.module.register_module_forward_pre_hook(count)
    try:
        report = pretrain(
            config,
            lambda _: calls.append(0),
            on_start=lambda _: calls.__setitem__(0, 0),  # the pace was measured before
        )
    finally:
        hook.remove()
    shares = [0.0, *(row["share"] for row in events(report.run, "step"))]
    known = [shares[max(0, step - 1)] for step in range(report.steps)]  # one batch is read ahead
    assert calls[: report.steps] == [1 if share < 0.5 else 2 for share in known]
    assert set(calls[: report.steps]) == {1, 2}


def test_a_fine_tuning_of_minutes_ends_and_resumes(project: Path) -> None:
    pretrain(timed_config(project, minutes=0.02))
    config = finetune_config(project, minutes=MINUTES, checkpoint_every=1, name="cut")
    with pytest.raises(Interrupted):
        finetune(config, stop_at(3))
    rest = resume_finetuning(project / "runs", "cut")
    steps = events(rest.run, "step")
    assert rest.start.step == 2
    assert steps[-1]["share"] == 1.0
    assert rest.steps == len(steps) >= 3
    assert events(rest.run, "validation")[0]["step"] == 0


def test_a_size_that_nobody_chose_follows_from_the_time_and_stays(project: Path) -> None:
    model = {"variant": "pyramid"}
    config = timed_config(project, model=model, name="cut", checkpoint_every=1)
    heard: list[StartFacts] = []
    with pytest.raises(Interrupted):
        pretrain(config, stop_at(2), on_start=heard.append)
    (start,) = heard
    assert start.plan is not None
    assert start.plan.size_reason == "larger ones would get too few steps"
    preset = read_toml(project / "runs/cut/config.toml")["model"]["preset"]
    assert start.plan.size.startswith(f"{preset} (")
    assert preset in {"nano", "micro", "mini"}  # in seconds, not what 400 steps would train

    rest = resume(project / "runs", "cut")
    assert rest.start.plan is not None
    assert (rest.start.plan.size, rest.start.plan.size_reason) == (start.plan.size, "")


def test_a_size_has_tokens_where_a_setting_asks_for_them(project: Path) -> None:
    model = {"variant": "pyramid", "tokenizer": {"patch": [8, 4]}}
    heard: list[StartFacts] = []
    with pytest.raises(Interrupted):
        pretrain(timed_config(project, model=model), stop_at(1), on_start=heard.append)
    (start,) = heard
    assert start.plan is not None
    assert start.plan.size.startswith("ti (")
    assert all(store.tokens for store in start.stores)


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_a_size_that_its_settings_do_not_name(project: Path) -> None:
    model = {"variant": "unet", "preset": "ti"}
    config = timed_config(project, minutes=2 * MINUTES, model=model, name="cut", checkpoint_every=1)
    with pytest.raises(Interrupted):
        pretrain(config, stop_at(2))
    written = project / "runs/cut/config.toml"
    written.write_text(written.read_text().replace('preset = "ti"\n', ""))
    plan = resume(project / "runs", "cut").start.plan
    assert plan is not None
    assert (plan.size, plan.size_reason) == ("ti (32×1, unet)", "")


def test_steps_and_minutes_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="give one of minutes and steps"):
        PretrainConfig(minutes=1.0, steps=3)


def test_what_says_no_length_gets_minutes_and_what_has_steps_keeps_them() -> None:
    assert with_length(PretrainConfig(device="cpu")).minutes == MINUTES_BY_DEVICE["cpu"]
    for config in (PretrainConfig(steps=400), PretrainConfig(minutes=3.0)):
        assert with_length(config) is config


@pytest.mark.slow
@pytest.mark.distributed
def test_processes_agree_when_the_time_is_over(project: Path) -> None:
    (project / "settings.toml").write_text(TOML)
    line = [sys.executable, "-m", "matey_cli", "pretrain", "--config", "settings.toml", "--quiet"]
    line += ["--minutes", str(MINUTES), "--nproc", "2", "--name", "two", "--device", "cpu"]
    done = subprocess.run(
        line,
        cwd=project,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert events(project / "runs/two", "step")[-1]["share"] == 1.0
