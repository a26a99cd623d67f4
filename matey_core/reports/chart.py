"""Curves as SVG that fills any width, with labels beside it that keep their size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matey_core.numbers import short
from matey_core.reports.html import Child, Html, joined, tag

SIDE = 1000
"""Units of the picture on either axis."""
FEW_DECADES = 1.2
"""Decades below which the axis has further labels in between."""
MOST_LABELS = 6

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a chart."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    """(x, low, high) that is shaded behind it."""
    has_marks: bool = False
    """Whether each point is marked, and says what it is where one points at it."""


def chart(
    title: str, curves: Sequence[Curve], *, across: str, level: float | None = None
) -> Html | None:
    """Draw curves over steps, on a logarithmic scale.

    Args:
        title: of the chart.
        curves: values that are not finite and above 0 are left out.
        across: what the horizontal axis is.
        level: value at which a line goes across.

    Returns:
        None where there is nothing to draw.
    """
    shown = [_drawable(curve) for curve in curves]
    values = [y for curve in shown for _, y in curve.points]
    values += [y for curve in shown for _, *band in curve.band for y in band]
    if not values:
        return None
    if level is not None:
        values.append(level)
    scale = _Scale(
        last=max(x for curve in shown for x, _ in curve.points), low=min(values), high=max(values)
    )
    picture = tag(
        "svg",
        *(scale.grid_line(value) for value in scale.labels),
        None if level is None else scale.grid_line(level, class_="level"),
        *(_drawn(scale, number, curve) for number, curve in enumerate(shown)),
        viewBox=f"0 0 {SIDE} {SIDE}",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
    )
    return tag(
        "figure",
        tag("figcaption", title),
        tag("div", scale.left(), picture, scale.below(across), class_="plot"),
        _legend(curves) if len(curves) > 1 else None,
        class_="chart",
    )


def _drawable(curve: Curve) -> Curve:
    points = [point for point in curve.points if _is_drawable(point[1])]
    return Curve(
        name=curve.name,
        points=points,
        band=[each for each in curve.band if all(map(_is_drawable, each[1:]))],
        has_marks=curve.has_marks or len(points) == 1,  # a line through one point is none
    )


def _is_drawable(value: float) -> bool:
    return math.isfinite(value) and value > 0


class _Scale:
    """Where a value lies in the picture."""

    def __init__(self, *, last: float, low: float, high: float) -> None:
        self.last = max(last, 1e-9)
        span = max(math.log10(high / low), 0.1)
        self.low = math.log10(low) - 0.04 * span
        self.high = math.log10(high) + max(0.04 * span, 0.1 - math.log10(high / low))
        self.labels = _labels(10**self.low, 10**self.high)

    def x(self, value: float) -> float:
        return round(SIDE * value / self.last, 1)

    def y(self, value: float) -> float:
        return round(SIDE * (self.high - math.log10(value)) / (self.high - self.low), 1)

    def grid_line(self, value: float, class_: str = "tick") -> Html:
        return tag("line", x1=0, x2=SIDE, y1=self.y(value), y2=self.y(value), class_=class_)

    def left(self) -> Html:
        labels = [
            tag("span", short(value, 2), style=f"top:{self.y(value) / SIDE:.1%}")
            for value in self.labels
        ]
        return tag("div", *labels, class_="left")

    def below(self, across: str) -> Html:
        step = nice_step(self.last, 4)
        ticks = [number * step for number in range(int(self.last / step + 1e-9) + 1)]
        labels = [
            tag("span", f"{tick:,.10g}", style=f"left:{self.x(tick) / SIDE:.1%}") for tick in ticks
        ]
        return tag("div", *labels, tag("em", across), class_="below")


def _labels(low: float, high: float) -> list[float]:
    """Powers of ten, and 2 and 5 times these where there are few; on short scales even steps."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    if math.log10(high / low) < 0.7:
        step = nice_step(high - low, 4)
        found = [number * step for number in range(math.ceil(low / step), int(high / step) + 1)]
    else:
        factors = (1, 2, 5) if len(decades) - 1 < 3 else (1,)
        found = [factor * 10.0**power for power in decades for factor in factors]
    found = [value for value in found if low <= value <= high]
    return found[:: max(1, -(-len(found) // MOST_LABELS))]


def _drawn(scale: _Scale, number: int, curve: Curve) -> Html:
    color = f"c{number % 8}"
    places = [(scale.x(x), scale.y(y), x, y) for x, y in curve.points]
    parts: list[Child] = []
    if curve.band:
        upper = [f"{scale.x(x)},{scale.y(high)}" for x, _, high in curve.band]
        lower = [f"{scale.x(x)},{scale.y(low)}" for x, low, _ in reversed(curve.band)]
        parts.append(tag("polygon", points=" ".join(upper + lower), class_=f"band {color}"))
    line = " ".join(f"{across},{down}" for across, down, _, _ in places)
    parts.append(tag("polyline", points=line, class_=f"curve {color}"))
    if curve.has_marks:
        parts += [
            tag(
                "g",
                tag("title", f"{curve.name}, {x:,.10g}: {short(y)}"),
                tag("path", d=f"M{across} {down}h0", class_=f"mark {color}"),
            )
            for across, down, x, y in places
        ]
    return joined(*parts)


def _legend(curves: Sequence[Curve]) -> Html:
    names = [
        tag("span", tag("i", class_=f"c{number % 8}"), curve.name)
        for number, curve in enumerate(curves)
    ]
    return tag("p", *names, class_="legend")


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 5 × 10ⁿ that cuts a span into at most `count` parts."""
    raw = span / count
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
