"""Error against tokens, operations and seconds, as a PNG; matplotlib draws it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from matey_core.studies.equal_cost.report import Judged, StudyReport
from matey_core.studies.equal_cost.results import ArmResult
from matey_core.studies.equal_cost.verdict import NAMES

AXES: dict[str, Callable[[ArmResult], float]] = {
    "seconds a step": lambda each: each.cost.step_seconds,
    "tokens a frame": lambda each: each.cost.tokens,
    "GFLOP a step": lambda each: 1e-9 * each.cost.flops,
}
MARKERS = {"uniform": "o", "adap_mix": "s", "adap_mul": "^"}


def draw(report: StudyReport, path: Path) -> None:
    """Draw a row of panels for every comparison: black points are uniform, with their patch.

    Gray lines join the arms that no other beats in both cost and error.

    Args:
        report: with at least one store.
        path: the file, of any name.
    """
    rows = [judged for store in report.stores for judged in store.comparisons]
    figure = Figure(figsize=(14, 4.2 * max(len(rows), 1)), layout="constrained")
    panels = figure.subplots(max(len(rows), 1), len(AXES), squeeze=False)
    for judged, line in zip(rows, panels, strict=False):
        for panel, (name, cost) in zip(line, AXES.items(), strict=True):
            _panel(panel, judged, report.metric, cost)
            panel.set_xlabel(name)
        comparison = judged.comparison
        line[0].set_ylabel(f"{NAMES[report.metric]}, test")
        line[0].set_title(
            f"{comparison.store}, equal {comparison.equal}: {comparison.amount:g}", loc="left"
        )
        line[-1].legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, format="png", dpi=120)


def _panel(panel: Any, judged: Judged, metric: str, cost: Callable[[ArmResult], float]) -> None:
    arms = [each for each in judged.comparison.arms if each.errors[metric].median < float("inf")]
    for number, each in enumerate(arms):
        error = each.errors[metric]
        panel.errorbar(
            cost(each),
            error.median,
            yerr=[[error.median - error.low], [min(error.high, 2 * error.median) - error.median]],
            marker=MARKERS[each.arm.tokenizer],
            color="black" if each.arm.is_uniform else f"C{number}",
            linestyle="none",
            capsize=3,
            label="" if each.arm.is_uniform else each.arm.label,
        )
        if each.arm.is_uniform:
            panel.annotate(
                each.arm.patch[-1],
                (cost(each), error.median),
                textcoords="offset points",
                xytext=(7, 5),
            )
    front = pareto([(cost(each), each.errors[metric].median) for each in arms])
    panel.plot(*zip(*front, strict=True), color="gray", linewidth=1, zorder=0)
    panel.set_xscale("log")
    panel.set_yscale("log")
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points (cost, error) that no other beats in both, by cost."""
    front: list[tuple[float, float]] = []
    for cost, error in sorted(points):
        if not front or error < front[-1][1]:
            front.append((cost, error))
    return front
