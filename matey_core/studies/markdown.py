"""A study's report as Markdown, and what such reports have in common."""

import math
from collections.abc import Iterator

from matey_core.studies.comparison import ArmResult, Comparison
from matey_core.studies.report import StudyReport
from matey_core.studies.statistics import chance
from matey_core.studies.words import NAMES, interval, number, table, title

COLUMNS = ("arm", "steps", "trained s", "learning rate", "nRMSE", "VRMSE", "rollout", "last frame")
INTERVALS = {
    "range": "the smallest and the largest of a seed",
    "bootstrap": "95 % of the medians of seeds drawn again (bootstrap)",
}


def markdown(report: StudyReport) -> str:
    """Write the report for people: verdicts first, then what they rest on."""
    return "\n".join(_lines(report))


def _lines(report: StudyReport) -> Iterator[str]:
    yield f"# {report.title}"
    yield ""
    for verdict in report.verdicts:
        yield (
            f"- **{verdict.outcome}** ({verdict.level}): {verdict.sentence} "
            f"Source: {verdict.source}."
        )
    yield from description(report)
    for comparison in report.comparisons:
        yield from lines_of(comparison, report)


def description(report: StudyReport) -> Iterator[str]:
    """The picture, the notes, and how to read the figures."""
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


def lines_of(comparison: Comparison, report: StudyReport) -> Iterator[str]:
    """A comparison's table, and what there is to say about it."""
    reference = report.labels[comparison.reference]
    yield f"## {title(comparison)}"
    yield ""
    yield from table(
        (*COLUMNS, f"ratio to {reference}"),
        [
            *(_row(each, report) for each in comparison.arms),
            ("persistence", "", "", "", *(number(comparison.persistence[n]) for n in NAMES), ""),
        ],
    )
    done, wanted = len(comparison.seeds), report.seeds
    yield f"{done} of {wanted} seeds are complete." if done < wanted else f"Seeds: {done}."
    if done > 1:
        yield (
            "One of two arms that are equally good is better with every seed, by chance, in "
            f"{100 * chance(done):.3g} % of all cases."
        )
    if diverged := sum(each.diverged for each in comparison.arms):
        yield f"{diverged} of the trainings diverged; their errors count as ∞."
    if comparison.is_uninformative:
        yield "Uninformative: every arm fails."
    yield ""


def _row(each: ArmResult, report: StudyReport) -> tuple[str, ...]:
    return (
        report.labels[each.arm],
        f"{each.steps:,}",
        number(each.train_seconds) if math.isfinite(each.train_seconds) else "not timed",
        f"{each.learning_rate:g}" if each.steps else "",
        *(interval(each.errors[name]) for name in NAMES),
        interval(each.ratios[report.metric]),
    )
