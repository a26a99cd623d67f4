"""Constants of an equation that are fixed, or drawn for each sample from a range."""

import math
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator

Value = float | tuple[float, float]
"""A number, or the smallest and the largest of a range."""


def _parse(value: Any) -> Any:
    """Read `0.001:0.1`, as it is typed after --set, and lists, as they stand in TOML."""
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str):
        return value
    try:
        low, high = (float(part) for part in value.split(":"))
    except ValueError:
        raise ValueError("neither a number nor a range such as 0.1:0.5") from None
    return low, high


def _check(value: Value) -> Value:
    low, high = ends(value)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("not a finite number")
    if low > high:
        raise ValueError(f"the range begins at {low}, above its end {high}")
    return value


def _check_positive(value: Value) -> Value:
    if ends(value)[0] <= 0:
        raise ValueError("must be greater than 0")
    return value


def _check_not_negative(value: Value) -> Value:
    if ends(value)[0] < 0:
        raise ValueError("must not be negative")
    return value


Drawn = Annotated[Value, BeforeValidator(_parse), AfterValidator(_check)]
"""A setting that is a number, a list of two, or text such as `0.001:0.1`."""
PositiveDrawn = Annotated[Drawn, AfterValidator(_check_positive)]
NonNegativeDrawn = Annotated[Drawn, AfterValidator(_check_not_negative)]


def ends(value: Value) -> tuple[float, float]:
    """Smallest and largest possible number."""
    return value if isinstance(value, tuple) else (value, value)


def draw(value: Value, random: np.random.RandomState) -> float:
    """Draw uniformly from a range; a number is itself and takes nothing from the generator."""
    return float(random.uniform(*value)) if isinstance(value, tuple) else value


def text(value: Value) -> str:
    """Name a value in a file name: `0.1`, or `0.1-0.5`."""
    return "-".join(str(end) for end in value) if isinstance(value, tuple) else str(value)
