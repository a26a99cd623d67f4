"""A run as one page for people: curves, scores, pictures, cells, settings, data, versions."""

import warnings
from dataclasses import replace
from pathlib import Path

from matey_core.catalog import read_run
from matey_core.distributed import place_of_this_process
from matey_core.durable import written
from matey_core.errors import CheckpointError, MateyError, MateyWarning
from matey_core.reports.history import history_of
from matey_core.reports.page import page
from matey_core.reports.refinement import refinements
from matey_core.runs.fit import TrainingReport
from matey_core.runs.folder import RunFolder

__all__ = ["refresh", "reported", "write_report"]


def write_report(run: Path, *, to: Path | None = None) -> Path:
    """Write the report of a run, complete or not; an earlier one is replaced.

    Args:
        run: its folder.
        to: the file; by default `report.html` in the run.

    Returns:
        The file.

    Raises:
        CheckpointError: it is no run, or a file of it is damaged.
        RunError: the file cannot be written.
    """
    record = read_run(run)
    journal = RunFolder(run).journal(is_writer=False)
    try:
        history = history_of(journal.rows())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{journal.path} is damaged: {error!r}.") from error
    maps = refinements(record, frozenset(history.stores))
    text = page(record, history, maps)
    path = to or RunFolder(run).report
    with written(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def reported(report: TrainingReport) -> TrainingReport:
    """Write the report of a training that has ended, in the first of its processes.

    What is trained is kept, so what goes wrong here is a warning.

    Warns:
        MateyWarning: it cannot be written.
    """
    if not place_of_this_process().is_first:
        return report
    return replace(report, page=refresh(report.run))


def refresh(folder: Path) -> Path | None:
    """Write the report of a run anew after something was added; None where that cannot be.

    Args:
        folder: of a run, or a model directory, which has no report.

    Warns:
        MateyWarning: it cannot be written.
    """
    if not RunFolder(folder).config.is_file():
        return None
    try:
        return write_report(folder)
    except MateyError as error:
        warnings.warn(f"There is no report of {folder}: {error}", MateyWarning, stacklevel=2)
        return None
