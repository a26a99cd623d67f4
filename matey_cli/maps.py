"""Cells over a field, in the terminal: half blocks in color, or plain characters."""

import sys
from typing import TYPE_CHECKING

import numpy as np

from matey_cli import output
from matey_cli.colors import borders, normalized, with_lines
from matey_cli.sketches import upright
from matey_core.colors import colored

if TYPE_CHECKING:
    from rich.text import Text

    from matey_core.workflows.tokenize_inspect import Picture

COLUMNS = 72
"""Widest map; with its margin it fits 80 columns."""
ROWS = 64
"""Highest map in pixels, two of which make a line of text."""
STRIP = 8
"""Lines of text that a curve is high."""
RAMP = " .:-=+*#%@"
BARS = " ▁▂▃▄▅▆▇█"
SMALLEST = 3
"""Pixels that a cell needs, to be drawn with a border."""


def field_map(picture: "Picture") -> None:
    """Print a field and its cells on stdout, as well as the terminal can; nothing with --json."""
    if output.current().json:
        return
    rich = output.has_color(sys.stdout) and output.is_unicode(sys.stdout)
    if picture.values.ndim == 1:
        lines = _curve(picture, with_blocks=output.is_unicode(sys.stdout), with_color=rich)
    elif rich:
        lines = _half_blocks(picture)
    else:
        lines = _panels(picture)
    screen = output.console(sys.stdout)
    for line in lines:
        screen.print(line, soft_wrap=True)


def _sampled(shape: tuple[int, ...], *, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the points that stand for the pixels: whole steps, so cells stay even."""
    step = max(1, *(-(-n // most) for n, most in zip(shape, (rows, columns), strict=True)))
    zoom = max(1, min(rows // shape[0], columns // shape[1])) if step == 1 else 1
    picks = [np.repeat(np.arange(step // 2, n, step), zoom) for n in shape]
    return picks[0], picks[1]


def _half_blocks(picture: "Picture") -> "list[Text]":
    """Two pixels a character: ▀ with one color above and one below."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    values, levels, cells = _turned(picture)
    picks = np.ix_(*_sampled(values.shape, rows=ROWS, columns=COLUMNS))
    colors = colored(normalized(values)[picks])
    lines_at = _visible(cells[picks]) | borders(levels[picks])
    colors = with_lines(colors, lines_at, strength=0.45)
    lines = []
    for row in range(0, len(colors), 2):
        text = Text("  ")
        for column in range(colors.shape[1]):
            above = Color.from_rgb(*colors[row, column])
            below = Color.from_rgb(*colors[row + 1, column]) if row + 1 < len(colors) else None
            text.append("▀", Style(color=above, bgcolor=below))
        lines.append(text)
    return lines


def _turned(picture: "Picture") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, levels and cells of a plane, with x across and the other axis up."""
    names = [axis.name for axis in picture.axes]
    values, levels, cells = (
        upright(each, names) for each in (picture.values, picture.levels, picture.cells)
    )
    return values, levels, cells


def _visible(cells: np.ndarray) -> np.ndarray:
    """Borders of cells, but not inside blocks of cells too small to show any."""
    lines = borders(cells)
    _, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
    small = (counts < SMALLEST**2)[inverse].reshape(cells.shape)
    return lines & ~small


def _panels(picture: "Picture") -> "list[Text]":
    """The field as a ramp of characters beside the level of every cell."""
    from rich.text import Text

    values, levels, _ = _turned(picture)
    columns = (COLUMNS - 4) // 2
    rows, across = _sampled(values.shape, rows=2 * columns, columns=columns)
    picks = np.ix_(rows[::2], across)  # a character is twice as high as it is wide
    shades = (normalized(values)[picks] * (len(RAMP) - 1)).round().astype(int)
    levels = levels[picks]
    width = len(across)
    lines = [Text(f"  {'field':<{width}}    level of the cell (. is coarse)")]
    for shade, level in zip(shades, levels, strict=True):
        left = "".join(RAMP[index] for index in shade)
        lines.append(Text(f"  {left}    {_digits(level)}"))
    return lines


def _curve(picture: "Picture", *, with_blocks: bool, with_color: bool) -> "list[Text]":
    """A line's values as bars or characters, with its cells below."""
    from rich.text import Text

    size = picture.values.shape[0]
    picks = ((np.arange(min(COLUMNS, size)) + 0.5) * size / min(COLUMNS, size)).astype(int)
    fractions = normalized(picture.values)[picks]
    if not with_blocks:
        shades = (fractions * (len(RAMP) - 1)).round().astype(int)
        lines = [Text("  " + "".join(RAMP[shade] for shade in shades))]
    else:
        styles = [
            f"rgb({r},{g},{b})" if with_color else "" for r, g, b in colored(fractions).tolist()
        ]
        lines = []
        for line in reversed(range(STRIP)):
            text = Text("  ")
            for fraction, style in zip(fractions, styles, strict=True):
                # Every column keeps one eighth of a line, so that the lowest values show.
                filled = 1 + fraction * (8 * STRIP - 1) - 8 * line
                text.append(BARS[int(np.clip(filled, 0, 8))], style)
            lines.append(text)
    return [*lines, Text("  " + _rail(picture.cells[picks], picture.levels[picks]))]


def _rail(cells: np.ndarray, levels: np.ndarray) -> str:
    """One character a column: | where a cell of several columns begins, else its level."""
    begins = np.diff(cells, prepend=cells[0] - 1) != 0
    wide = np.append(begins[1:] == 0, False)
    return "".join(
        "|" if begin and broad else digit
        for begin, broad, digit in zip(begins, wide, _digits(levels), strict=True)
    )


def _digits(levels: np.ndarray) -> str:
    return "".join("." if level == 0 else str(level) for level in levels.tolist())
