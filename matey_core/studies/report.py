"""What a study has shown so far: JSON, Markdown and a picture, written from finished cells."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from matey_core.cells import Task
from matey_core.cells.log import CellLog
from matey_core.durable import written
from matey_core.studies.comparison import Comparison, compare
from matey_core.studies.judging import Verdict, judge
from matey_core.studies.settings import StudyConfig
from matey_core.studies.words import heading

AnyReport = TypeVar("AnyReport")
TOLERANCE = 0.1
"""How far training may last from its budget before the report says so, as a fraction."""
NO_PLOT = "There is no picture: matplotlib is not installed."


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """What was found."""

    name: str
    title: str
    out: Path
    metric: str
    """The error that decides."""
    rollout: str
    """Which frames of a rollout count."""
    labels: dict[str, str]
    """Arm → as in tables."""
    seeds: int
    """That were asked for."""
    cells: int
    finished: int
    comparisons: tuple[Comparison, ...]
    """Those with at least one complete seed."""
    verdicts: tuple[Verdict, ...]
    plot: Path | None
    notes: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether a required claim does not hold."""
        return any(verdict.fails for verdict in self.verdicts)


def reference_of(study: StudyConfig) -> str:
    """Name of the arm that ratios are to."""
    return study.rules.reference or next(iter(study.arms))


def report_of(
    study: StudyConfig,
    tasks: Sequence[Task],
    log: CellLog,
    out: Path,
    *,
    notes: tuple[str, ...] = (),
    jobs: int = 1,
) -> StudyReport:
    """Summarize the seeds that are complete.

    Args:
        study: its rules and claims.
        tasks: all cells, finished or not.
        log: the finished ones.
        out: folder of the study.
        notes: known before it began.
        jobs: cells trained side by side.
    """
    rules = study.rules
    comparisons = compare(
        tasks, log.results, rules, reference=reference_of(study), clock=study.budget.clock
    )
    keys = {task.cell.key for task in tasks}
    frames = rules.rollout_frames
    labels = {name: arm.label or name for name, arm in study.arms.items()}
    can_plot = find_spec("matplotlib") is not None
    return StudyReport(
        name=study.name,
        title=study.title or study.name,
        out=out,
        metric=rules.metric,
        rollout=f"the first {frames} frames" if frames else "all frames",
        labels=labels,
        seeds=len({task.point.seed for task in tasks}),
        cells=len(keys),
        finished=len(keys & log.results.keys()),
        comparisons=comparisons,
        verdicts=judge(study.verdicts, comparisons, rules.metric),
        plot=out / "report.png" if can_plot and comparisons else None,
        notes=(*notes, *_off_budget(comparisons, labels, jobs), *(() if can_plot else (NO_PLOT,))),
    )


def _off_budget(
    comparisons: Sequence[Comparison], labels: Mapping[str, str], jobs: int
) -> Iterator[str]:
    """Name the arms whose steps took another time while training than beforehand."""
    why = (
        f"{jobs} cells shared the machine, which steps had for themselves when they were measured: "
        "with --jobs 1 seconds are kept to"
        if jobs > 1
        else "The machine was not quiet, or its steps differ"
    )
    for comparison in comparisons:
        off = [
            f"{labels[each.arm]} {each.train_seconds:.3g}"
            for each in comparison.arms
            if each.steps and is_off_budget(each.train_seconds, comparison.amount)
        ]
        if comparison.equal == "seconds" and off:
            where = heading(comparison.at)
            yield (
                f"{where}{': ' if where else ''}instead of {comparison.amount:g} seconds these "
                f"arms trained for {'; '.join(off)}. {why}."
            )


def is_off_budget(seconds: float, budget: float) -> bool:
    """Whether a training took other seconds than those of its budget; ∞ was not measured."""
    return TOLERANCE < abs(seconds / budget - 1) < math.inf


def write_report(
    report: AnyReport,
    *,
    plot: Path | None,
    out: Path,
    text: str,
    draw: Callable[[AnyReport, Path], None],
) -> None:
    """Write report.json, report.md and, if it can be drawn, the picture.

    Args:
        report: a dataclass of what was found.
        plot: the picture; None if nothing can be drawn.
        out: folder of the study.
        text: the same as Markdown.
        draw: makes the picture under a name.

    Raises:
        RunError: the disk is full.
    """
    with written(out / "report.json") as partial:
        partial.write_bytes(TypeAdapter(type(report)).dump_json(report, indent=1) + b"\n")
    if plot:
        with written(plot) as partial:
            draw(report, partial)
    with written(out / "report.md") as partial:
        partial.write_text(text, encoding="utf-8")
