"""Error against tokens, operations and seconds, as a PNG; matplotlib draws it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matey_core.studies.comparison import Comparison
from matey_core.studies.equal_cost.costs import ArmCost
from matey_core.studies.equal_cost.report import EqualCostReport
from matey_core.studies.words import NAMES, title

AXES: dict[str, Callable[[ArmCost], float]] = {
    "seconds a step": lambda cost: cost.step_seconds,
    "tokens a frame": lambda cost: cost.tokens,
    "GFLOP a step": lambda cost: 1e-9 * cost.flops,
}
MARKERS = {"uniform": "o", "adap_mix": "s", "adap_mul": "^"}


def draw(report: EqualCostReport, path: Path) -> None:
    """Draw a row of panels for every comparison: black points are uniform, with their patch.

    Gray lines join the arms that no other beats in both cost and error.

    Args:
        report: with at least one comparison.
        path: the file, of any name.
    """
    from matplotlib.figure import Figure

    study = report.study
    rows = study.comparisons
    costs = {store.path: {cost.arm: cost for cost in store.costs} for store in report.stores}
    figure = Figure(figsize=(14, 4.2 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(AXES), squeeze=False)
    for comparison, line in zip(rows, panels, strict=True):
        own = costs[str(comparison.at["pretraining.data"])]
        for panel, (name, cost) in zip(line, AXES.items(), strict=True):
            places = {arm: cost(found) for arm, found in own.items()}
            _panel(panel, comparison, study.metric, places, study.labels)
            panel.set_xlabel(name)
        line[0].set_ylabel(f"{NAMES[study.metric]}, test")
        line[0].set_title(title(comparison), loc="left")
        line[-1].legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, format="png", dpi=120)


def _panel(
    panel: Any,
    comparison: Comparison,
    metric: str,
    places: Mapping[str, float],
    labels: Mapping[str, str],
) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    arms = [each for each in comparison.arms if each.errors[metric].median < float("inf")]
    for number, each in enumerate(arms):
        error, place = each.errors[metric], places[each.arm]
        tokenizer, _, sides = each.arm.partition("-")
        is_uniform = tokenizer == "uniform"
        panel.errorbar(
            place,
            error.median,
            yerr=[[error.median - error.low], [min(error.high, 2 * error.median) - error.median]],
            marker=MARKERS[tokenizer],
            color="black" if is_uniform else f"C{number}",
            linestyle="none",
            capsize=3,
            label="" if is_uniform else labels[each.arm],
        )
        if is_uniform:
            panel.annotate(sides, (place, error.median), textcoords="offset points", xytext=(7, 5))
    front = pareto([(places[each.arm], each.errors[metric].median) for each in arms])
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
