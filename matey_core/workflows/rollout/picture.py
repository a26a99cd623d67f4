"""A rollout as a picture: truth, prediction and error at a few times, errors against time."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matey_core.durable import written
from matey_core.errors import ConfigError, install_extra
from matey_core.reports.axes import bracketed, literal, proportion
from matey_core.reports.limits import UNKNOWN, color_limits, highest_shown, largest_error
from matey_core.reports.shown import Shown, moment
from matey_core.workflows.rollout.report import StoreRollout

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 11.0
"""Inches."""
PANEL = 2.2
"""Inches across, about, that one of four panels has."""
TALLEST, SHORTEST = 3.0, 0.9
"""Inches down that a panel may have."""
BELOW = 2.6
"""Inches down that errors against time have."""


def check_installed(option: str = "--plot") -> None:
    """Say before the work whether pictures can be drawn.

    Args:
        option: that asks for them.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(
            f"matplotlib is not installed, so {option} cannot draw.",
            remedy=f"{install_extra('plots')}, or leave {option} out.",
        )


def draw(result: StoreRollout, path: Path) -> None:
    """Draw the shown field and the errors of all fields.

    Args:
        result: of one store.
        path: the PNG file; an earlier one is replaced.

    Raises:
        RunError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    shown = result.shown
    is_line = len(shown.axes) == 1
    rows = 1 if not shown.num_known else 2 if is_line else 3
    panel_height = 1.5 if is_line else np.clip(PANEL * proportion(*shown.axes), SHORTEST, TALLEST)
    height = rows * (0.25 + panel_height) + 0.8
    figure: Any = Figure(
        figsize=(WIDTH, height + BELOW * bool(shown.num_known)), layout="constrained"
    )
    above = figure
    if shown.num_known:
        above, below = figure.subfigures(2, 1, height_ratios=(height, BELOW))
        _errors(below.subplots(), result)
    panels = above.subplots(rows, len(shown.leads), squeeze=False, sharex=True, sharey="row")
    for panel in panels.flat:
        panel.tick_params(labelsize=8)
    (_lines if is_line else _planes)(above, panels, shown)
    for panel, time, lead in zip(panels[0], shown.times, shown.leads, strict=True):
        panel.set_title(f"t = {moment(time, shown.time_unit)}\nlead {lead}", fontsize=9)
    for panel in panels[-1]:
        panel.set_xlabel(shown.axes[-1].label, fontsize=9)
    cut = f", {shown.slice_of}" if shown.slice_of else ""
    title = f"{result.store}: {shown.field}, sample {shown.sample}{cut}"
    above.suptitle(literal(title), fontsize=11)
    with written(path) as partial:
        figure.savefig(partial, format="png", dpi=120)


def _planes(figure: Any, panels: np.ndarray, shown: Shown) -> None:
    """Truth and prediction in the same colors, and the difference around zero."""
    up, across = shown.axes
    # In float32, the color map itself would overflow where a prediction has blown up.
    truth, prediction = shown.truth.astype(np.float64), shown.prediction.astype(np.float64)
    low, high = color_limits(truth if shown.num_known else prediction)
    with np.errstate(invalid="ignore"):  # ∞ minus ∞
        error = prediction - truth
    largest = largest_error(error)
    rows: list[tuple[str, np.ndarray, str, float, float]] = [
        ("truth", truth, "viridis", low, high),
        ("prediction", prediction, "viridis", low, high),
        ("prediction − truth", error, "RdBu_r", -largest, largest),
    ]
    for line, (name, planes, colors, least, most) in zip(
        panels, rows if shown.num_known else rows[1:2], strict=True
    ):
        line[0].set_ylabel(f"{name}\n{up.label}", fontsize=9)
        for column, panel in enumerate(line):
            panel.set_facecolor(UNKNOWN)
            if name != "prediction" and column >= shown.num_known:
                _say_unknown(panel)
            image = panel.imshow(
                planes[column],
                origin="lower",
                extent=(*across.edges, *up.edges),
                cmap=colors,
                vmin=least,
                vmax=most,
                aspect="auto",
                interpolation="nearest",
            )
        if name == "prediction":
            _bar(figure, image, panels[:2], f"{literal(shown.field)}{bracketed(shown.unit)}")
        elif name != "truth":
            _bar(figure, image, line, f"error{bracketed(shown.unit)}")


def _bar(figure: Any, image: Any, panels: np.ndarray, label: str) -> None:
    bar = figure.colorbar(image, ax=panels, pad=0.01)
    bar.set_label(label, fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _lines(figure: Any, panels: np.ndarray, shown: Shown) -> None:
    """Truth and prediction in one panel, and the difference below."""
    (axis,) = shown.axes
    for panel, truth, prediction in zip(panels[0], shown.truth, shown.prediction, strict=True):
        if shown.num_known:
            panel.plot(axis.positions, truth, color="black", label="truth")
        panel.plot(axis.positions, prediction, "C1--", label="prediction")
    panels[0, 0].set_ylabel(f"{literal(shown.field)}{bracketed(shown.unit)}", fontsize=9)
    panels[0, 0].legend(fontsize=8)
    if not shown.num_known:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        errors = shown.prediction - shown.truth
    for column, (panel, error) in enumerate(zip(panels[1], errors, strict=True)):
        panel.axhline(0, color="0.7", linewidth=0.8)
        panel.plot(axis.positions, error, color="C3")
        if column >= shown.num_known:
            _say_unknown(panel)
    panels[1, 0].set_ylabel(f"error{bracketed(shown.unit)}", fontsize=9)


def _errors(panel: "Axes", result: StoreRollout) -> None:
    """Mean nRMSE over fields by time, beside the training-free forecasts."""
    shown = result.shown
    scores = [errors.mean["nrmse"] for errors in result.rollout]
    start = shown.times[0] - result.rollout[0].lead_time
    times = [start + errors.lead_time for errors in result.rollout]
    panel.plot(times, _drawable([score.error for score in scores]), "C0", lw=2, label="model")
    others = {"persistence": [score.persistence for score in scores]}
    for name in scores[0].forecasts:
        others[name] = [score.forecasts[name] for score in scores]
    for number, (name, errors) in enumerate(others.items()):
        label = name.replace("_", " ")
        panel.plot(times, _drawable(errors), f"C{number + 1}--", lw=1.2, label=label)
    good = result.summary.good
    if good < len(times):
        panel.axvline(times[good], color="gray", linestyle=":", label="error ½ of the spread")
    if shown.num_known < len(shown.leads):
        panel.axvspan(times[-1], shown.times[-1], color="0.93", zorder=0)
        panel.text(
            shown.times[-1],
            0.97,
            "beyond the truth ",
            ha="right",
            va="top",
            fontsize=8,
            transform=panel.get_xaxis_transform(),
        )
    panel.set_yscale("log")
    panel.set_ylim(top=highest_shown([score.error for score in scores], others["persistence"]))
    panel.set_xlabel(f"time{bracketed(shown.time_unit)}", fontsize=9)
    panel.set_ylabel("nRMSE, mean over fields\nand trajectories", fontsize=9)
    panel.tick_params(labelsize=8)
    panel.grid(visible=True, alpha=0.3)
    panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))


def _say_unknown(panel: "Axes") -> None:
    panel.text(
        0.5,
        0.5,
        "beyond\nthe truth",
        ha="center",
        va="center",
        fontsize=9,
        transform=panel.transAxes,
    )


def _drawable(errors: list[float]) -> list[float]:
    """Errors that a logarithmic axis can show."""
    return [error if np.isfinite(error) and error > 0 else float("nan") for error in errors]
