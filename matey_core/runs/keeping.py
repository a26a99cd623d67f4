"""The best weights of a run: which checkpoint has them, and the copy in `model`."""

import filecmp
import shutil
from pathlib import Path

from matey_core.durable import written
from matey_core.errors import CheckpointError
from matey_core.runs.folder import RunFolder


def keep_as_best(run: RunFolder, checkpoint: Path) -> None:
    """Let `best` name a checkpoint, and copy its model into the run.

    Raises:
        RunError: the disk is full or not writable.
    """
    run.checkpoints.point("best", checkpoint)
    with written(run.model) as partial:
        shutil.copytree(_model_of(checkpoint), partial)


def is_kept(run: RunFolder, last: Path) -> bool:
    """Whether `best` and `model` are what the last checkpoint says is best.

    A kill during the last save leaves them behind it. Where the best checkpoint is gone, `model`
    is believed.
    """
    best = run.checkpoints.best_at(last)
    try:
        if run.checkpoints.named("best") != best:
            return False
    except CheckpointError:
        return False
    if not best.is_dir():
        return run.model.is_dir()
    return run.model.is_dir() and _have_equal_files(run.model, _model_of(best))


def _model_of(checkpoint: Path) -> Path:
    adapter = checkpoint / "adapter"
    return adapter if adapter.exists() else checkpoint / "model"


def _have_equal_files(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in other.iterdir())
    if names != sorted(path.name for path in one.iterdir()):
        return False
    _, differing, unreadable = filecmp.cmpfiles(one, other, names, shallow=False)
    return not differing and not unreadable
