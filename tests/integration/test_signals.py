"""A signal ends a training after its step, and nothing of it is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matey_core.errors import Interrupted
from matey_core.progress import Progress
from matey_core.workflows.finetune import finetune
from matey_core.workflows.finetune import resume as resume_finetuning
from matey_core.workflows.pretrain import pretrain, resume
from tests.killing import HoldAtStep, ended, matey_done, matey_process, wait_until
from tests.support import files_below, tiny_store
from tests.training import TOML, events, finetune_config, pretrain_config

STEPS = 80
LINE = ("--config", "settings.toml", "--steps", STEPS, "--set", "validate_every=1000")
LINE += ("--device", "cpu")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    (folder / "settings.toml").write_text(TOML)
    assert matey_done(folder, "pretrain", *LINE, "--name", "whole") == 0
    return folder


def check_equal(project: Path, name: str) -> None:
    run, whole = project / "runs" / name, project / "runs/whole"
    for kind in ("step", "validation"):
        assert events(run, kind) == events(whole, kind)
    last = f"checkpoints/step-{STEPS:08d}"
    for folder in ("model", last):
        assert files_below(run / folder) == files_below(whole / folder)


def steps(run: Path) -> list[int]:
    return [row["step"] for row in events(run, "step")] if (run / "journal.jsonl").exists() else []


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        pytest.param(signal.SIGINT, 130, "Interrupted.", marks=pytest.mark.slow),
        (signal.SIGTERM, 143, "Terminated."),
        pytest.param(signal.SIGUSR1, 143, "Terminated.", marks=pytest.mark.slow),
    ],
    ids=["SIGINT", "SIGTERM", "SIGUSR1"],
)
def test_a_signal_saves_after_the_step(project: Path, number: int, code: int, word: str) -> None:
    name = f"cut-{number}"
    run = project / "runs" / name
    sent = project / f"sent-{number}"
    hold = HoldAtStep(run, 5, until=sent)
    process = matey_process(project, "pretrain", *LINE, "--name", name, prepare=hold)
    wait_until(lambda: len(steps(run)) > 4)
    assert process.pid is not None
    os.kill(process.pid, number)
    sent.touch()
    assert ended(process) == code
    taken = steps(run)
    assert taken == [1, 2, 3, 4, 5, 6]
    assert (run / "checkpoints/last").read_text() == f"step-{taken[-1]:08d}\n"
    said = (project / "stderr").read_text()
    assert f"runs/{name}/checkpoints/step-{taken[-1]:08d} is kept." in said
    assert "Continue with `matey pretrain --resume`." in said
    assert word in said
    assert matey_done(project, "pretrain", "--resume", "--name", name) == 0
    check_equal(project, name)


@pytest.mark.distributed
@pytest.mark.parametrize("who", ["launcher", pytest.param("rank", marks=pytest.mark.slow)])
def test_a_signal_to_one_of_several_processes_is_for_all(project: Path, who: str) -> None:
    name = f"two-{who}"
    run = project / "runs" / name
    line = [sys.executable, "-m", "matey_cli", "pretrain", *map(str, LINE), "--nproc", "2"]
    process = subprocess.Popen(
        [*line, "--steps", "5000", "--name", name], cwd=project, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: len(steps(run)) > 4)
    target = process.pid
    if who == "rank":
        children = Path(f"/proc/{target}/task/{target}/children").read_text().split()
        target = next(int(each) for each in children if "RANK=1" in environment(each))
    os.kill(target, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said.count("Terminated.") == 1
    taken = steps(run)
    assert (run / "checkpoints/last").read_text() == f"step-{taken[-1]:08d}\n"
    assert not list(run.rglob("*.partial"))


def environment(process: str) -> list[str]:
    return Path(f"/proc/{process}/environ").read_text().split("\0")


def signal_at(step: int, number: int = signal.SIGTERM) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            os.kill(os.getpid(), number)

    return on_progress


def test_a_fine_tuning_saves_and_goes_on_as_well(project: Path) -> None:
    config = finetune_config(project, steps=9, validate_every=3)
    whole = finetune(config.model_copy(update={"name": "tuned"}))
    with pytest.raises(Interrupted, match="step-00000004 is kept") as caught:
        finetune(config.model_copy(update={"name": "tuned-cut"}), signal_at(4))
    assert caught.value.exit_code == 143
    rest = resume_finetuning(project / "runs", "tuned-cut")
    assert rest.start.step == 4
    for kind in ("step", "validation"):
        assert events(rest.run, kind) == events(whole.run, kind)
    assert files_below(rest.model) == files_below(whole.model)


def test_hours_that_are_over_end_a_start_as_a_signal_does(project: Path) -> None:
    whole = pretrain(pretrain_config(project, name="no-limit", steps=4, validate_every=2))
    config = pretrain_config(project, name="hours", steps=4, validate_every=2, max_hours=1e-9)
    with pytest.raises(Interrupted, match="step-00000001 is kept") as caught:
        pretrain(config)
    assert caught.value.exit_code == 143
    with pytest.raises(Interrupted, match="step-00000002 is kept"):  # the run keeps its limit
        resume(project / "runs", "hours")
    rest = resume(project / "runs", "hours", max_hours=1.0)
    assert (rest.start.step, rest.steps) == (2, 4)
    for kind in ("step", "validation"):
        assert events(rest.run, kind) == events(whole.run, kind)
    for folder in ("model", "checkpoints/step-00000004"):
        assert files_below(rest.run / folder) == files_below(whole.run / folder)


def test_a_signal_at_the_last_step_changes_nothing(project: Path) -> None:
    report = pretrain(pretrain_config(project, name="at-last"), signal_at(6))
    assert report.steps == 6
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_before_the_first_step_leaves_nothing(project: Path) -> None:
    config = pretrain_config(project, name="early")
    with pytest.raises(Interrupted, match="nothing was saved yet") as caught:
        pretrain(config, on_start=lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert caught.value.exit_code == 143
    assert not (project / "runs/early").exists()


def test_a_second_interrupt_ends_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matey_core.signals.REPEATED", 0.0)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored

    def twice(progress: Progress) -> None:
        if progress.done == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="step-00000002 is kept") as caught:
        pretrain(pretrain_config(project, name="twice", validate_every=2), twice)
    assert caught.value.exit_code == 130


def test_checkpoints_are_written_by_time(project: Path) -> None:
    seen: list[str] = []
    last = project / "runs/by-time/checkpoints/last"

    def look(progress: Progress) -> None:  # before the step is saved
        seen.append(last.read_text().strip() if last.exists() else "")

    config = pretrain_config(project, name="by-time", steps=4, validate_every=4)
    pretrain(config.model_copy(update={"checkpoint_minutes": 1e-9}), look)
    assert seen == ["", "step-00000001", "step-00000002", "step-00000003"]
    with pytest.raises(Interrupted, match="step-00000001 is kept"):
        pretrain(config.model_copy(update={"name": "seldom"}), signal_at(1))
    assert resume(project / "runs", "seldom").steps == 4
