"""A rollout as a film: truth, prediction and error, frame by frame."""

import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from matey_core.durable import written
from matey_core.errors import MateyWarning
from matey_core.reports.axes import bracketed, literal, proportion
from matey_core.reports.limits import UNKNOWN, color_limits, largest_error
from matey_core.reports.shown import Shown, moment

MOST_FRAMES = 80
"""Frames of a film; of longer rollouts some are left out, evenly."""
RATE = 10
"""Frames a second."""
DPI = 90
WIDTH = 10.0
"""Inches."""
PANEL = 2.4
"""Inches across, about, that one of three panels has."""
TALLEST, SHORTEST = 3.6, 0.8
"""Inches down that a panel may have."""


def film_name(states: Path) -> Path:
    """Name a film beside the states that it shows: MP4 where ffmpeg is installed, else GIF."""
    return states.with_suffix(".mp4" if shutil.which("ffmpeg") else ".gif")


def film_leads(steps: int) -> tuple[int, ...]:
    """Choose the frames of a film; the first and the last are among them."""
    count = min(steps, MOST_FRAMES)
    return tuple(np.linspace(1, steps, count).round().astype(int).tolist())


def animate(store: str, shown: Shown, path: Path) -> Path:
    """Write a film of one field of one trajectory; an earlier one is replaced.

    Returns:
        where it is: a GIF, with a warning, if ffmpeg cannot write an MP4.

    Args:
        store: its name, for the title.
        shown: the frames; where the truth is not known, its panels are gray.
        path: ends in .gif or .mp4.

    Raises:
        RunError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    is_line = len(shown.axes) == 1
    height = PANEL if is_line else np.clip(PANEL * proportion(*shown.axes), SHORTEST, TALLEST)
    # Encoders of films want even numbers of pixels: 0.2 inches are 18.
    size = (WIDTH, 0.2 * round(5 * (height + 0.9)))
    figure: Any = Figure(figsize=size, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)  # writers ask the figure for its canvas
    panels = figure.subplots(1, 3)
    draw = (_lines if is_line else _planes)(figure, panels, shown)
    notes = [_say_unknown(panel) for panel in (panels[0], panels[2])]
    cut = f", {shown.slice_of}" if shown.slice_of else ""
    title = figure.suptitle(" ", fontsize=10)

    def frames() -> Iterator[None]:
        for index, (lead, time) in enumerate(zip(shown.leads, shown.times, strict=True)):
            draw(index)
            for note in notes:
                note.set_visible(index >= shown.num_known)
            head = f"{store}: {shown.field}, sample {shown.sample}{cut}"
            title.set_text(literal(f"{head}, t = {moment(time, shown.time_unit)}, lead {lead}"))
            yield

    if path.suffix == ".mp4":
        try:
            with written(path) as partial:
                _write_mp4(figure, frames(), partial)
            return path
        except subprocess.CalledProcessError as error:
            # Some builds of ffmpeg have no H.264.
            path = path.with_suffix(".gif")
            problem = f"ffmpeg failed with exit code {error.returncode}"
            warnings.warn(f"The film is {path.name}: {problem}.", MateyWarning, stacklevel=2)
    with written(path) as partial:
        _write_gif(figure, frames(), partial)
    return path


def _write_mp4(figure: Any, frames: Iterator[None], path: Path) -> None:
    from matplotlib.animation import FFMpegWriter

    writer = FFMpegWriter(fps=RATE)
    named = path.with_name(f"{path.name}.mp4")  # its suffix tells ffmpeg what to write
    try:
        with writer.saving(figure, str(named), dpi=DPI):
            for _ in frames:
                writer.grab_frame()
        named.replace(path)
    finally:
        named.unlink(missing_ok=True)


def _write_gif(figure: Any, frames: Iterator[None], path: Path) -> None:
    from PIL import Image

    images = []
    for _ in frames:
        figure.canvas.draw()
        pixels = Image.fromarray(np.array(figure.canvas.buffer_rgba())[..., :3])
        # By number of pixels, as Pillow chooses colors by itself, small errors would be gray.
        images.append(pixels.quantize(method=Image.Quantize.MAXCOVERAGE))
    images[0].save(
        path, "GIF", save_all=True, append_images=images[1:], duration=1000 // RATE, loop=0
    )


def _say_unknown(panel: Any) -> Any:
    """Text that stands in a panel once the truth has ended."""
    where = {"ha": "center", "va": "center", "transform": panel.transAxes}
    return panel.text(0.5, 0.5, "beyond\nthe truth", fontsize=9, visible=False, **where)


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
        bar.ax.set_title("" if shown.unit == "1" else literal(shown.unit), fontsize=7)
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
