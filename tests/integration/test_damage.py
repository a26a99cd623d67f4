"""A damaged or missing checkpoint costs the work since the one before, and no more."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from matey_core.errors import CheckpointError, Interrupted, MateyWarning
from matey_core.progress import Progress
from matey_core.workflows.pretrain import pretrain, resume
from tests.support import files_below, tiny_store
from tests.training import events, pretrain_config

LAST = "step-00000004"


def cut_short(file: str) -> Callable[[Path], None]:
    def damage(checkpoints: Path) -> None:
        path = checkpoints / LAST / file
        path.write_bytes(path.read_bytes()[:-9])

    return damage


def flipped(file: str) -> Callable[[Path], None]:
    def damage(checkpoints: Path) -> None:
        path = checkpoints / LAST / file
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)

    return damage


def emptied(file: str) -> Callable[[Path], None]:
    return lambda checkpoints: (checkpoints / file).write_text("") and None


def removed(file: str) -> Callable[[Path], None]:
    return lambda checkpoints: (checkpoints / file).unlink()


def file_at(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


DAMAGES: dict[str, tuple[Callable[[Path], None], int]] = {
    "state cut short": (cut_short("state.safetensors"), 2),
    "a bit of the state": (flipped("state.safetensors"), 2),
    "a bit of the weights": (flipped("model/model.safetensors"), 2),
    "no weights": (removed(f"{LAST}/model/model.safetensors"), 2),
    "empty numbers": (emptied(f"{LAST}/state.json"), 2),
    "no description": (removed(f"{LAST}/model/model.json"), 2),
    "no checksums": (emptied(f"{LAST}/checksums.json"), 2),
    "no checkpoint": (lambda checkpoints: shutil.rmtree(checkpoints / LAST), 2),
    "empty pointer": (emptied("last"), 4),
    "no pointer": (removed("last"), 4),
    "a file beside": (lambda checkpoints: (checkpoints / LAST / ".nfs1").touch(), 4),
    "a file for the model": (lambda checkpoints: file_at(checkpoints.parent / "model"), 4),
}
"""What is done to the checkpoints, and the step that the run goes on from."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped, and one that was stopped after step 5."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    settings = {"steps": 6, "validate_every": 2}
    pretrain(pretrain_config(folder, name="whole", **settings))
    with pytest.raises(Interrupted):
        pretrain(pretrain_config(folder, name="cut", **settings), stop_at_5)
    return folder


def stop_at_5(progress: Progress) -> None:
    if progress.done == 5:
        raise KeyboardInterrupt


@pytest.fixture
def cut(project: Path) -> Path:
    """A copy of the run that was stopped."""
    run = project / "runs/damaged"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(project / "runs/cut", run)
    return run


def check_whole(project: Path, run: Path) -> None:
    whole = project / "runs/whole"
    for kind in ("step", "validation"):
        assert events(run, kind) == events(whole, kind)
    for folder in ("model", "checkpoints/step-00000006"):
        assert files_below(run / folder) == files_below(whole / folder)


@pytest.mark.filterwarnings("ignore::matey_core.errors.MateyWarning")
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_costs_the_work_since_the_one_before(
    project: Path, cut: Path, name: str
) -> None:
    damage, step = DAMAGES[name]
    damage(cut / "checkpoints")
    rest = resume(cut.parent, cut.name)
    assert rest.start.step == step
    check_whole(project, cut)


def test_what_is_damaged_is_said(cut: Path) -> None:
    flipped("state.safetensors")(cut / "checkpoints")
    with pytest.warns(MateyWarning) as caught:
        resume(cut.parent, cut.name)
    said = str(caught[0].message)
    assert f"{LAST} is damaged: state.safetensors has the checksum " in said
    assert "The run goes on from step-00000002, the checkpoint before." in said


def test_a_journal_that_was_cut_is_told_and_the_best_stays_the_best(cut: Path) -> None:
    journal = cut / "journal.jsonl"
    rows = journal.read_text().splitlines(keepends=True)
    best = json.loads((cut / "checkpoints" / LAST / "state.json").read_text())["best"]
    assert best["step"] == 4
    until = next(number for number, row in enumerate(rows) if '"step": 3,' in row)
    journal.write_text("".join(rows[:until]))
    with pytest.warns(MateyWarning, match="steps 3 to 4 are missing"):
        rest = resume(cut.parent, cut.name)
    assert rest.validations[-1].best_score <= best["score"]
    assert [row["step"] for row in events(cut, "step")] == [1, 2, 5, 6]


def test_where_all_are_damaged_the_run_cannot_go_on(cut: Path) -> None:
    for path in cut.glob("checkpoints/step-*"):
        (path / "state.json").write_text("")
    with pytest.raises(CheckpointError, match="There is no other to go on from"):
        resume(cut.parent, cut.name)


def test_best_weights_survive_in_one_of_two_places(project: Path, cut: Path) -> None:
    """In `model`, or in the best checkpoint."""
    flipped("model/model.safetensors")(cut / "checkpoints")
    shutil.rmtree(cut / "model")
    with pytest.warns(MateyWarning):
        resume(cut.parent, cut.name)
    check_whole(project, cut)


def test_a_checkpoint_of_earlier_versions_is_opened_without_checksums(
    project: Path, cut: Path
) -> None:
    for path in cut.glob("checkpoints/step-*/checksums.json"):
        path.unlink()
    cut_short("state.safetensors")(cut / "checkpoints")
    with pytest.warns(MateyWarning, match="is damaged"):
        rest = resume(cut.parent, cut.name)
    assert rest.start.step == 2
    check_whole(project, cut)
