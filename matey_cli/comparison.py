"""Truth, prediction and error of one frame next to each other, small, in the terminal."""

import sys
from typing import TYPE_CHECKING

import numpy as np

from matey_cli import output
from matey_cli.sketches import GAP, MARGIN, Paint, directions, side_by_side, sparkline, upright
from matey_cli.tables import caption, heading
from matey_core.colors import colored, diverging
from matey_core.numbers import number

if TYPE_CHECKING:
    from matey_core.workflows.rollout import Shown


def compare(store: str, shown: "Shown", *, rows: int) -> None:
    """Draw the last frame with a truth on stdout where it is a terminal; elsewhere nothing.

    Args:
        store: its name.
        shown: without a truth at any lead, the last prediction alone is drawn.
        rows: lines of text that a picture has at most.
    """
    if output.current().json or not output.is_terminal(sys.stdout):
        return
    index = max(shown.num_known - 1, 0) if shown.num_known else len(shown.leads) - 1
    truth, prediction = (values[index].astype(float) for values in (shown.truth, shown.prediction))
    low, high = _limits(truth if shown.num_known else prediction)
    with np.errstate(over="ignore", invalid="ignore"):  # a prediction may have blown up
        error = prediction - truth
    largest = max(map(abs, _limits(error)))
    panels: list[tuple[str, np.ndarray, Paint]] = [
        ("truth", _fractions(truth, low, high), colored),
        ("prediction", _fractions(prediction, low, high), colored),
        ("error", _fractions(error, -largest, largest), diverging),
    ]
    if not shown.num_known:
        panels = panels[1:2]
    unit = f" {shown.time_unit}" if shown.time_unit not in ("", "1") else ""
    time = f"t = {number(shown.times[index])}{unit}, lead {shown.leads[index]}"
    heading(f"{store}: {shown.field}, sample {shown.sample}, {time}")
    screen = output.console(sys.stdout)
    names = [axis.name for axis in shown.axes]
    if len(shown.axes) == 1:
        room = screen.width - MARGIN - len("prediction") - GAP
        for title, values, _ in panels:
            screen.print(f"  {title:<10}  ", sparkline(values, room), sep="", soft_wrap=True)
    else:
        turned = [(title, upright(plane, names), paint) for title, plane, paint in panels]
        for text in side_by_side(turned, width=screen.width, rows=rows):
            screen.print(text, soft_wrap=True)
    cut = f"; cut at {shown.slice_of}" if shown.slice_of else ""
    off = f"; error up to ±{number(largest, digits=2)}" if shown.num_known else ""
    caption(f"  {number(low)} to {number(high)}{off}; {directions(names)}{cut}")


def _limits(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)


def _fractions(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers between 0 and 1, NaN where the values are not finite."""
    width = high - low
    fractions = (values - low) / width if width > 0 else np.full(values.shape, 0.5)
    return np.where(np.isfinite(values), np.clip(fractions, 0, 1), np.nan)
