"""What a study has shown so far: JSON, Markdown and a picture, written from finished cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter

from matey_core.studies.cells import Task
from matey_core.studies.comparison import Comparison, compare
from matey_core.studies.judging import Verdict, judge
from matey_core.studies.log import CellLog
from matey_core.studies.settings import StudyConfig
from matey_core.training.checkpoint import written

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


def report_of(study: StudyConfig, tasks: Sequence[Task], log: CellLog, out: Path) -> StudyReport:
    """Summarize the seeds that are complete.

    Args:
        study: its rules and claims.
        tasks: all cells, finished or not.
        log: the finished ones.
        out: folder of the study.
    """
    rules = study.rules
    comparisons = compare(tasks, log.results, rules, reference=next(iter(study.arms)))
    keys = {task.cell.key for task in tasks}
    frames = rules.rollout_frames
    can_plot = find_spec("matplotlib") is not None
    return StudyReport(
        name=study.name,
        title=study.title or study.name,
        out=out,
        metric=rules.metric,
        rollout=f"the first {frames} frames" if frames else "all frames",
        labels={name: arm.label or name for name, arm in study.arms.items()},
        seeds=len({task.point.seed for task in tasks}),
        cells=len(keys),
        finished=len(keys & log.results.keys()),
        comparisons=comparisons,
        verdicts=judge(study.verdicts, comparisons, rules.metric),
        plot=out / "report.png" if can_plot and comparisons else None,
        notes=() if can_plot else (NO_PLOT,),
    )


def write_report(
    report: StudyReport, *, markdown: Callable[[], str], draw: Callable[[Path], None]
) -> None:
    """Write report.json, report.md and, where there is one, the picture.

    Args:
        report: what was found.
        markdown: makes the text.
        draw: makes the picture under a name.

    Raises:
        RunError: the disk is full.
    """
    with written(report.out / "report.json") as partial:
        partial.write_bytes(TypeAdapter(type(report)).dump_json(report, indent=1) + b"\n")
    if report.plot:
        with written(report.plot) as partial:
            draw(partial)
    with written(report.out / "report.md") as partial:
        partial.write_text(markdown(), encoding="utf-8")
