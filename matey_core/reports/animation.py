"""A rollout as a film: truth, prediction and error, frame by frame."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from matey_core.durable import written
from matey_core.reports.axes import bracketed, literal
from matey_core.reports.limits import UNKNOWN, color_limits, largest_error
from matey_core.reports.shown import Shown

MOST_FRAMES = 80
"""Frames of a film; of longer rollouts some are left out, evenly."""
RATE = 10
"""Frames a second."""
WIDTH, HEIGHT = 10.0, 3.2
"""Inches."""


def film_name(states: Path) -> Path:
    """Name a film beside the states that it shows: MP4 where ffmpeg is installed, else GIF."""
    return states.with_suffix(".mp4" if shutil.which("ffmpeg") else ".gif")


def film_leads(steps: int) -> tuple[int, ...]:
    """Choose the frames of a film; the first and the last are among them."""
    count = min(steps, MOST_FRAMES)
    return tuple(np.linspace(1, steps, count).round().astype(int).tolist())


def animate(store: str, shown: Shown, path: Path) -> None:
    """Write a film of one field of one trajectory; an earlier one is replaced.

    Args:
        store: its name, for the title.
        shown: the frames; where the truth is not known, its panels are gray.
        path: ends in .gif or .mp4.

    Raises:
        RunError: the file cannot be written.
    """
    from matplotlib.animation import FFMpegWriter, PillowWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)  # writers ask the figure for its canvas
    panels = figure.subplots(1, 3)
    draw = (_lines if len(shown.axes) == 1 else _planes)(figure, panels, shown)
    unit = f" {shown.time_unit}" if shown.time_unit not in ("", "1") else ""
    title = figure.suptitle(" ", fontsize=10)
    writer = (FFMpegWriter if path.suffix == ".mp4" else PillowWriter)(fps=RATE)
    with written(path) as partial:
        # The suffix tells what is written.
        named = partial.with_name(f"{partial.name}{path.suffix}")
        with writer.saving(figure, str(named), dpi=90):
            for index, (lead, time) in enumerate(zip(shown.leads, shown.times, strict=True)):
                draw(index)
                head = f"{store}: {shown.field}, sample {shown.sample}"
                title.set_text(literal(f"{head}, t = {time:.4g}{unit}, lead {lead}"))
                writer.grab_frame()
        named.replace(partial)


def _planes(figure: Any, panels: Any, shown: Shown) -> Any:
    """Truth and prediction in the same colors, and the difference around zero."""
    truth, prediction = shown.truth.astype(np.float64), shown.prediction.astype(np.float64)
    low, high = color_limits(truth if shown.num_known else prediction)
    with np.errstate(invalid="ignore"):  # ∞ minus ∞
        error = prediction - truth
    most = largest_error(error)
    up, across = shown.axes
    rows = [
        ("truth", truth, "viridis", low, high),
        ("prediction", prediction, "viridis", low, high),
        ("prediction − truth", error, "RdBu_r", -most, most),
    ]
    images = []
    for panel, (name, planes, colors, least, largest) in zip(panels, rows, strict=True):
        panel.set_facecolor(UNKNOWN)
        panel.set_title(name, fontsize=9)
        panel.tick_params(labelsize=7)
        panel.set_xlabel(across.label, fontsize=8)
        extent = (*across.edges, *up.edges)
        options = {"origin": "lower", "extent": extent, "aspect": "auto", "cmap": colors}
        image = panel.imshow(planes[0], vmin=least, vmax=largest, **options)
        bar = figure.colorbar(image, ax=panel, pad=0.01)
        bar.ax.tick_params(labelsize=7)
        bar.ax.set_title(literal(shown.unit), fontsize=7)
        images.append((image, planes))
    panels[0].set_ylabel(up.label, fontsize=8)

    def draw(index: int) -> None:
        for image, planes in images:
            image.set_data(planes[index])

    return draw


def _lines(figure: Any, panels: Any, shown: Shown) -> Any:
    """Truth and prediction as curves, and their difference."""
    (axis,) = shown.axes
    with np.errstate(over="ignore", invalid="ignore"):
        error = shown.prediction.astype(np.float64) - shown.truth
    low, high = color_limits(shown.truth if shown.num_known else shown.prediction)
    room = 0.05 * (high - low) or 1.0
    most = largest_error(error)
    rows = [
        ("truth", shown.truth, "black", low - room, high + room),
        ("prediction", shown.prediction, "C1", low - room, high + room),
        ("prediction − truth", error, "C3", -1.05 * most, 1.05 * most),
    ]
    curves = []
    for panel, (name, lines, color, least, largest) in zip(panels, rows, strict=True):
        panel.set_title(name, fontsize=9)
        panel.tick_params(labelsize=7)
        panel.set_xlabel(axis.label, fontsize=8)
        panel.set_ylim(least, largest)
        (curve,) = panel.plot(axis.positions, lines[0], color=color)
        curves.append((curve, lines))
    panels[0].set_ylabel(f"{literal(shown.field)}{bracketed(shown.unit)}", fontsize=8)

    def draw(index: int) -> None:
        for curve, lines in curves:
            curve.set_ydata(lines[index])

    return draw
