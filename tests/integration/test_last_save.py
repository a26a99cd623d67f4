"""A kill during the last save loses nothing: `--resume` finishes keeping."""

import shutil
from pathlib import Path

import pytest

from tests.killing import KillBeforeRename, matey_done
from tests.support import files_below, tiny_store
from tests.training import TOML, events

LINE = ("--config", "settings.toml", "--steps", 4, "--set", "validate_every=2", "--device", "cpu")
LINE += ("--learning-rate", 1e-3, "--quiet")
RENAMES = 5
"""Of the last save: the checkpoint, `last`, `best`, and the two that replace `model`."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, and a run that was never stopped, whose last step is its best."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    (folder / "settings.toml").write_text(TOML)
    assert matey_done(folder, "pretrain", *LINE, "--name", "whole") == 0
    scores = [row["score"] for row in events(folder / "runs/whole", "validation")]
    assert scores[1] < scores[0]
    return folder


@pytest.mark.parametrize(
    "number",
    [1, *(pytest.param(each, marks=pytest.mark.slow) for each in range(2, RENAMES + 1))],
)
def test_a_kill_at_the_last_save_is_made_good(project: Path, number: int) -> None:
    run, whole = project / "runs/cut", project / "runs/whole"
    shutil.rmtree(run, ignore_errors=True)
    kill = KillBeforeRename("step-00000004", number)
    assert matey_done(project, "pretrain", *LINE, "--name", "cut", prepare=kill) == -9
    again = ("pretrain", "--resume", "--name", "cut", "--quiet")
    assert matey_done(project, *again) == 0, (project / "stderr").read_text()
    assert files_below(run / "model") == files_below(whole / "model")
    assert (run / "checkpoints/best").read_text() == "step-00000004\n"
    for kind in ("step", "validation"):
        assert events(run, kind) == events(whole, kind)
    assert not list(run.rglob("*.partial"))
    assert matey_done(project, *again) == 2
    assert "is complete" in (project / "stderr").read_text()


def test_a_kill_before_the_report_is_made_good(project: Path) -> None:
    run, whole = project / "runs/unreported", project / "runs/whole"
    kill = KillBeforeRename("report.html", 1)
    assert matey_done(project, "pretrain", *LINE, "--name", "unreported", prepare=kill) == -9
    assert not (run / "report.html").exists()
    again = ("pretrain", "--resume", "--name", "unreported", "--quiet")
    assert matey_done(project, *again) == 0, (project / "stderr").read_text()
    assert (run / "report.html").is_file()
    assert not list(run.rglob("*.partial"))
    assert files_below(run / "model") == files_below(whole / "model")
    assert events(run, "step") == events(whole, "step")
    assert matey_done(project, *again) == 2


@pytest.mark.parametrize(
    "first",
    [
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("versions.json", "config.toml", "step-00000002")
        ),
        "data.json",
    ],
)
def test_a_kill_before_the_first_checkpoint_costs_nothing_either(project: Path, first: str) -> None:
    run, whole = project / "runs/cut", project / "runs/whole"
    shutil.rmtree(run, ignore_errors=True)
    line = ("pretrain", *LINE, "--name", "cut")
    assert matey_done(project, *line, prepare=KillBeforeRename(first, 1)) == -9
    is_run = (run / "config.toml").exists()
    again = (*line, "--resume") if is_run else line
    assert matey_done(project, *again) == 0, (project / "stderr").read_text()
    assert files_below(run / "model") == files_below(whole / "model")
    for kind in ("start", "step", "validation"):
        assert len(events(run, kind)) == len(events(whole, kind))
    assert events(run, "step") == events(whole, "step")
