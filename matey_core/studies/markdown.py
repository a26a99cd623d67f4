"""A study's report as Markdown, and what such reports have in common."""

import math
from collections.abc import Iterator, Sequence

from matey_core.studies.comparison import ArmResult, Comparison
from matey_core.studies.report import StudyReport
from matey_core.studies.statistics import Interval
from matey_core.studies.verdicts._places import place

NAMES = {
    "nrmse": "one-step nRMSE",
    "vrmse": "one-step VRMSE",
    "rollout": "nRMSE of the rollout",
}
INTERVALS = {
    "range": "the smallest and the largest of a seed",
    "bootstrap": "95 % of the medians of seeds drawn again (bootstrap)",
}


def markdown(report: StudyReport) -> str:
    """Write the report for people: verdicts first, then what they rest on."""
    return "\n".join(
        [*_head(report), *(line for each in report.comparisons for line in _table(each, report))]
    )


def _head(report: StudyReport) -> Iterator[str]:
    yield f"# {report.title}"
    yield ""
    for verdict in report.verdicts:
        yield (
            f"- **{verdict.outcome}** ({verdict.level}): {verdict.sentence} "
            f"Source: {verdict.source}."
        )
    if not report.comparisons:
        yield "No seed is complete yet."
    yield ""
    if report.plot:
        yield f"![{NAMES[report.metric]}]({report.plot.name})"
        yield ""
    for note in report.notes:
        yield f"{note}\n"
    kinds = dict.fromkeys(INTERVALS[each.intervals] for each in report.comparisons)
    yield (
        "Errors are on test trajectories, means over fields and stores; of every model the "
        "weights that were best on validation data. Each figure is the median over seeds, in "
        f"brackets {' or '.join(kinds) or INTERVALS['range']}. Learning rates are chosen on "
        f"validation data, for each arm by itself. The {NAMES[report.metric]} decides; of a "
        f"rollout, {report.rollout} count. {report.finished} of {report.cells} cells are finished."
    )
    yield ""


def _table(comparison: Comparison, report: StudyReport) -> Iterator[str]:
    reference = report.labels[comparison.reference]
    yield f"## {place(comparison.at).removeprefix(' at ') or 'Results'}"
    yield ""
    yield from table(
        ("arm", "steps", "learning rate", "nRMSE", "VRMSE", "rollout", f"ratio to {reference}"),
        [
            *(_row(each, report) for each in comparison.arms),
            persistence_row(comparison, before=2, after=1),
        ],
    )
    done, wanted = len(comparison.seeds), report.seeds
    yield f"{done} of {wanted} seeds are complete." if done < wanted else f"Seeds: {done}."
    if diverged := sum(each.diverged for each in comparison.arms):
        yield f"{diverged} of the trainings diverged; their errors count as ∞."
    if comparison.is_uninformative:
        yield "Uninformative: every arm fails."
    yield ""


def _row(each: ArmResult, report: StudyReport) -> tuple[str, ...]:
    return (
        report.labels[each.arm],
        f"{each.steps:,}",
        f"{each.learning_rate:g}",
        *(interval(each.errors[name]) for name in NAMES),
        interval(each.ratios[report.metric]),
    )


def persistence_row(comparison: Comparison, *, before: int, after: int) -> tuple[str, ...]:
    """The row of repeating the last known frame, with empty columns around its errors."""
    errors = [number(comparison.persistence[name]) for name in NAMES]
    return ("persistence", *[""] * before, *errors, *[""] * after)


def interval(found: Interval) -> str:
    """A median, and its interval where there are several seeds."""
    if len(found.values) == 1:
        return number(found.median)
    return f"{number(found.median)} ({number(found.low)}–{number(found.high)})"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if math.isfinite(value) else "∞"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---' if not index else '---:' for index in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
