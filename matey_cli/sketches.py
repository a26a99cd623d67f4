"""Fields at a few times, small, in the terminal: sparklines, half blocks in color, characters."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from matey_cli import output
from matey_cli.tables import caption, heading
from matey_core.colors import colored
from matey_core.numbers import number

if TYPE_CHECKING:
    from rich.text import Text

    from matey_core.workflows.data_inspect.description import Snapshots

COLUMNS = 40
"""Widest picture, where the terminal has room for three of them."""
ROWS = 14
"""Highest picture in lines of text."""
MARGIN = 2
GAP = 2
BARS = "▁▂▃▄▅▆▇█"
RAMP = " .:-=+*#%@"
Paint = Callable[[np.ndarray], np.ndarray]
"""From numbers between 0 and 1 to (..., 3) uint8 colors."""
Panel = tuple[str, np.ndarray, Paint]
UNKNOWN = (128, 128, 128)
"""Color of missing and solid cells; the colormap has no gray."""


def sketch(pictures: "Snapshots") -> None:
    """Draw a field on stdout where it is a terminal; elsewhere, and with --json, nothing."""
    if output.current().json or not output.is_terminal(sys.stdout):
        return
    values = pictures.values.astype(np.float64)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    with np.errstate(invalid="ignore"):
        fractions = (
            (values - low) / (high - low) if high > low else np.where(values == low, 0.5, np.nan)
        )
    fractions[~np.isfinite(values)] = np.nan
    screen = output.console(sys.stdout)
    heading(f"{pictures.name}, sample {pictures.sample}")
    times = [f"t = {number(time)}" for time in pictures.times]
    if fractions.ndim == 2:
        width = max(map(len, times))
        for time, line in zip(times, fractions, strict=True):
            room = max(8, screen.width - MARGIN - width - GAP)
            screen.print(f"  {time:<{width}}  ", sparkline(line, room), sep="", soft_wrap=True)
    else:
        for text in side_by_side(
            [
                (time, plane, colored)
                for time, plane in zip(times, upright(fractions, pictures.axes), strict=True)
            ],
            width=screen.width,
            rows=ROWS,
        ):
            screen.print(text, soft_wrap=True)
    cut = f"; cut at {pictures.slice_of}" if pictures.slice_of else ""
    scale = "▁ to █" if fractions.ndim == 2 else "dark to bright"
    caption(f"  {number(low)} to {number(high)}, {scale}; {directions(pictures.axes)}{cut}")


def upright(planes: np.ndarray, axes: Sequence[str]) -> np.ndarray:
    """Turn planes as paper shows them: the first row on top, x across, the other axis up."""
    turned = planes.swapaxes(-1, -2) if axes[0] == "x" else planes
    return turned[..., ::-1, :]


def directions(axes: Sequence[str]) -> str:
    """Say which way the axes of a line, or of a plane that is upright, go."""
    *up, across = reversed(axes) if axes[0] == "x" else axes
    return "".join(f"{axis} up, " for axis in up) + f"{across} across"


def sparkline(fractions: np.ndarray, columns: int) -> "Text":
    """One character a few points: the mean of them."""
    from rich.text import Text

    text = Text()
    for part in np.array_split(fractions, min(columns, len(fractions))):
        known = part[np.isfinite(part)]
        if not known.size:
            text.append(" ")
            continue
        level = float(known.mean())
        marks = BARS if output.is_unicode(sys.stdout) else RAMP
        text.append(marks[round(level * (len(marks) - 1))], _style(level))
    return text


def _style(level: float) -> str:
    if not output.has_color(sys.stdout):
        return ""
    red, green, blue = colored(np.array(level)).tolist()
    return f"rgb({red},{green},{blue})"


def side_by_side(panels: Sequence[Panel], *, width: int, rows: int) -> "list[Text]":
    """Pictures next to each other, under their titles.

    Args:
        panels: title, (row, column) numbers between 0 and 1 with NaN for what is not known, and
            what makes colors of them.
        width: characters that all have together.
        rows: lines of text that a picture has at most.
    """
    from rich.text import Text

    in_color = output.has_color(sys.stdout) and output.is_unicode(sys.stdout)
    room = (width - MARGIN - GAP * (len(panels) - 1)) // len(panels)
    columns = max(8, min(COLUMNS, room))
    drawn = []
    for title, plane, paint in panels:
        pixels = _sampled(plane, columns, rows)
        lines = _half_blocks(pixels, paint) if in_color else _characters(pixels)
        drawn.append([Text(title[:columns]), *lines])
    widest = max(len(line) for lines in drawn for line in lines)
    texts = []
    for row in zip(*drawn, strict=True):
        text = Text(" " * MARGIN)
        for part in row[:-1]:
            text.append_text(part).append(" " * (widest - len(part) + GAP))
        texts.append(text.append_text(row[-1]))
    return texts


def _sampled(plane: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """Nearest points on at most 2 × `rows` by `columns` pixels that are square."""
    scale = min(2 * rows / plane.shape[0], columns / plane.shape[1])
    counts = [max(1, round(points * scale)) for points in plane.shape]
    down, across = (
        ((np.arange(count) + 0.5) * points / count).astype(int)
        for count, points in zip(counts, plane.shape, strict=True)
    )
    return plane[np.ix_(down, across)]


def _half_blocks(plane: np.ndarray, paint: Paint) -> "list[Text]":
    """Two pixels a character: ▀ with one color above and one below."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    colors = paint(np.nan_to_num(plane))
    colors[np.isnan(plane)] = UNKNOWN
    lines = []
    for row in range(0, len(colors), 2):
        text = Text()
        for column in range(colors.shape[1]):
            above = Color.from_rgb(*colors[row, column])
            below = Color.from_rgb(*colors[row + 1, column]) if row + 1 < len(colors) else None
            text.append("▀", Style(color=above, bgcolor=below))
        lines.append(text)
    return lines


def _characters(plane: np.ndarray) -> "list[Text]":
    """One character for two pixels on top of each other, darker is lower; ? is unknown."""
    from rich.text import Text

    return [
        Text("".join("?" if np.isnan(x) else RAMP[round(x * (len(RAMP) - 1))] for x in row))
        for row in plane[::2]
    ]
