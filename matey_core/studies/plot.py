"""Errors along an axis, or arm by arm, as a picture; matplotlib draws it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matey_core.studies.comparison import Comparison
from matey_core.studies.report import StudyReport
from matey_core.studies.words import NAMES, heading


def draw(report: StudyReport, path: Path) -> None:
    """Draw a panel for all places that differ in one numeric axis only.

    Args:
        report: with at least one comparison.
        path: the file, of any name.
    """
    from matplotlib.figure import Figure

    axis = _numeric_axis(report.comparisons)
    panels: dict[str, list[Comparison]] = {}
    for each in report.comparisons:
        rest = {key: value for key, value in each.at.items() if key != axis}
        panels.setdefault(heading(rest), []).append(each)
    figure = Figure(figsize=(5 * len(panels) + 1, 4.2), layout="constrained")
    drawn = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for panel, (title, comparisons) in zip(drawn, panels.items(), strict=True):
        if axis:
            _lines(panel, comparisons, axis, report)
        else:
            _points(panel, comparisons[0], report)
        panel.set_title(title, fontsize=9)
        panel.set_yscale("log")
    drawn[0].set_ylabel(f"{NAMES[report.metric]}, test")
    figure.suptitle(report.title, fontsize=10)
    figure.savefig(path, format="png", dpi=120)


def _numeric_axis(comparisons: Sequence[Comparison]) -> str | None:
    """The axis with most numbers; None where none has two."""
    numbers: dict[str, set[float]] = {}
    for each in comparisons:
        for axis, value in each.at.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers.setdefault(axis, set()).add(value)
    longest = max(numbers, key=lambda name: len(numbers[name]), default="")
    return longest if len(numbers.get(longest, ())) > 1 else None


def _lines(panel: Any, comparisons: Sequence[Comparison], axis: str, report: StudyReport) -> None:
    ordered = sorted(comparisons, key=lambda each: float(each.at[axis]))
    for name, label in report.labels.items():
        found = [(each.at[axis], each.arm(name)) for each in ordered]
        points = [(at, arm.errors[report.metric]) for at, arm in found if arm]
        if not points:
            continue
        places, errors = zip(*points, strict=True)
        panel.plot(places, [each.median for each in errors], marker="o", label=label)
        bands = [each.low for each in errors], [each.high for each in errors]
        panel.fill_between(places, *bands, alpha=0.2)
    persistence = [each.persistence[report.metric] for each in ordered]
    every = [each.at[axis] for each in ordered]
    panel.plot(every, persistence, color="gray", linestyle="--", label="persistence")
    panel.set_xscale("log")
    panel.set_xticks(every, [f"{value:g}" for value in every])
    panel.minorticks_off()
    panel.set_xlabel(axis)
    panel.legend(fontsize="small")


def _points(panel: Any, comparison: Comparison, report: StudyReport) -> None:
    for index, each in enumerate(comparison.arms):
        error = each.errors[report.metric]
        spread = [[error.median - error.low], [error.high - error.median]]
        panel.errorbar(index, error.median, yerr=spread, marker="o", capsize=3)
    panel.axhline(comparison.persistence[report.metric], color="gray", linestyle="--")
    labels = [report.labels[each.arm] for each in comparison.arms]
    panel.set_xticks(range(len(labels)), labels, rotation=30, ha="right", fontsize=8)
