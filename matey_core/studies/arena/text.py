"""Tables and sentences of an arena, for Markdown and the terminal."""

import math
from collections.abc import Iterator, Sequence

from matey_core.studies.arena.report import HORIZON, ONE_STEP, SPREAD, ArenaReport, ArenaRow, Table
from matey_core.studies.statistics import Interval
from matey_core.studies.words import number, table

BEATEN = "‡"
"""Marks a model's number where the best training-free forecast has a better one."""
LARGE = 100.0
"""Largest error that is printed as a number."""


def markdown(report: ArenaReport) -> str:
    """Write the whole report as Markdown."""
    return "\n".join(_lines(report))


def overall_columns(report: ArenaReport) -> tuple[str, ...]:
    """Heads of the table over all data sets."""
    return ("model", "data sets", "one step", "late", "beaten on", "to models: one step", "late")


def overall_rows(report: ArenaReport) -> list[tuple[str, ...]]:
    """Models over all data sets: error over those of forecasts and models, geometric means."""
    return [
        (
            each.name,
            str(each.data_sets),
            number(each.ratios[ONE_STEP]),
            number(each.ratios["late"]),
            str(each.beaten),
            number(each.rivals[ONE_STEP]),
            number(each.rivals["late"]),
        )
        for each in report.overall
    ]


def columns_of(found: Table, report: ArenaReport, *, short: bool = False) -> tuple[str, ...]:
    """Heads of the table of a data set.

    Args:
        found: the data set.
        report: of the arena.
        short: leave out steps and learning rates.
    """
    frames = [column for column in found.rows[0].errors if column != ONE_STEP]
    training = () if short else ("steps", "rate")
    heads = (ONE_STEP, *(f"frame {frame}" for frame in frames), HORIZON)
    return ("model", "size", f"{report.unit} ms", *training, *heads)


def rows_of(found: Table, *, short: bool = False) -> list[tuple[str, ...]]:
    """Models and forecasts, with their marks.

    Args:
        found: the data set.
        short: leave out steps, learning rates, and the smallest and largest value of all seeds.
    """
    return [(*_what(row, short), *_figures(row, found.frames, short)) for row in found.rows]


def advice(found: Table) -> str:
    """Name the best models of a data set in a sentence."""
    late = list(found.rows[0].errors)[-1]
    ahead, end = (_best(found.rows, column) for column in (ONE_STEP, late))
    text = f"{found.data}: {ahead.name} is best one step ahead"
    if end.errors[late].median >= 1:
        return f"{text}; at frame {late} every error is as large as the field."
    if ahead.name == end.name:
        return f"{text} and at frame {late}."
    return f"{text}, {end.name} at frame {late}."


def caption(found: Table, report: ArenaReport) -> str:
    """Say what the numbers are."""
    models = found.models
    fewest, most = min(_seeds(models)), max(_seeds(models))
    seeds = f"{most}" if fewest == most else f"{fewest} to {most}"
    mark = f" {BEATEN}: the best training-free forecast is better." if _has_marks(found) else ""
    return (
        f"nRMSE on test data after {report.seconds:g} {report.unit} seconds, median of {seeds} "
        f"seed{'' if most == 1 else 's'}; {HORIZON}: frames before VRMSE passes {SPREAD:g}, half "
        f"of the spread in space.{mark}"
    )


def _lines(report: ArenaReport) -> Iterator[str]:
    yield "# Arena"
    yield ""
    yield (
        f"Models trained for {report.seconds:g} {report.unit} seconds each, on each data set "
        f"alone. {report.finished} of {report.cells} cells are finished."
    )
    yield ""
    yield from (f"- {advice(each)}" for each in report.tables)
    yield ""
    if report.plot:
        yield f"![nRMSE of rollouts]({report.plot.name})"
        yield ""
    if report.overall:
        yield "## All data sets"
        yield ""
        yield from table(overall_columns(report), overall_rows(report))
        yield (
            "Error over that of the best training-free forecast, geometric mean over data sets; "
            "then over that of the best other model. The late frame is the last one that the "
            "settings name, or an earlier end."
        )
        yield ""
    for each in report.tables:
        yield f"## {each.data}"
        yield ""
        yield from table(columns_of(each, report), rows_of(each))
        yield caption(each, report)
        yield ""
    yield from (f"- {note}" for note in report.notes)


def _what(row: ArenaRow, short: bool) -> tuple[str, ...]:
    cost = row.cost
    if cost is None:
        return (row.name, "", "", *(() if short else ("", "")))
    training = () if short else (f"{cost.steps:,}", f"{cost.learning_rate:g}")
    return (
        row.name + (f" ({cost.diverged} of {cost.seeds} diverged)" if cost.diverged else ""),
        _count(cost.parameters),
        f"{1e3 * cost.step_seconds:,.{0 if cost.step_seconds >= 0.1 else 1}f}",
        *training,
    )


def _figures(row: ArenaRow, frames: int, short: bool) -> Iterator[str]:
    for column, error in row.errors.items():
        text = _error(error.median) if short else _interval(error)
        yield text + (BEATEN if column in row.beaten else "")
    whole = "≥ " if row.horizon.median >= frames else ""
    yield f"{whole}{row.horizon.median:g}" + (BEATEN if HORIZON in row.beaten else "")


def _count(parameters: int) -> str:
    """Three digits, in thousands or millions; empty before a seed is finished."""
    if not parameters:
        return ""
    return f"{number(parameters / 1e6)} M" if parameters >= 1e6 else f"{parameters / 1e3:.0f} k"


def _interval(found: Interval) -> str:
    low, median, high = map(_error, (found.low, found.median, found.high))
    return median if low == high else f"{median} ({low}–{high})"


def _error(value: float) -> str:
    """Three digits; the size of an error above `LARGE` says nothing."""
    return f">{LARGE:g}" if LARGE < value < math.inf else number(value)


def _best(rows: Sequence[ArenaRow], column: str) -> ArenaRow:
    return min(rows, key=lambda row: row.errors[column].median)


def _seeds(models: Sequence[ArenaRow]) -> list[int]:
    return [row.cost.seeds for row in models if row.cost]


def _has_marks(found: Table) -> bool:
    return any(row.beaten for row in found.rows)
