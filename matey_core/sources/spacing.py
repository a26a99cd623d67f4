"""Coordinates and times on a uniform grid, or what is wrong with them and where."""

from collections.abc import Iterable
from pathlib import Path
from types import EllipsisType

import numpy as np

from matey_core.errors import DataError

UNEVEN = 0.05
"""Largest relative deviation of a spacing from the mean that still counts as uniform."""


def uniform(
    path: Path,
    name: str,
    values: np.ndarray,
    *,
    points: int,
    override: str = "",
    why: str = "",
) -> float:
    """Check a coordinate and return its spacing.

    Args:
        path: the file, for the error text.
        name: the coordinate, for the error text.
        values: (points,) positions or times.
        points: how many there must be.
        override: what a person may do beside repairing uneven values, as a clause.
        why: they may be uneven, if that is known.

    Raises:
        DataError: wrong length, not finite, not increasing, or unevenly spaced.
    """
    if values.shape != (points,):
        raise DataError(f"{path}: {name} has shape {values.shape}; the data has {points} points.")
    if points == 1:
        return 1.0
    steps = np.diff(values.astype(np.float64))
    spacing = float(steps.mean())
    if not np.isfinite(values).all() or spacing <= 0 or (steps <= 0).any():
        raise _not_increasing(path, name, values, steps)
    if np.abs(steps - spacing).max() > UNEVEN * spacing:
        raise _uneven(path, name, values, override, why)
    return spacing


def is_increasing(values: np.ndarray) -> bool:
    """Whether values are finite and each is larger than the one before."""
    return bool(np.isfinite(values).all() and (np.diff(values.astype(np.float64)) > 0).all())


def is_even(values: np.ndarray) -> bool:
    """Whether the steps of increasing values are alike."""
    steps = np.diff(values.astype(np.float64))
    return len(steps) < 2 or bool((np.abs(steps - steps.mean()) <= UNEVEN * steps.mean()).all())


def _not_increasing(path: Path, name: str, values: np.ndarray, steps: np.ndarray) -> DataError:
    finite = np.isfinite(values)
    if not finite.all():
        at = int(np.argmin(finite))
        where = f"point {at} of {len(values)} is {values[at]}"
        remedy = "Give every point a finite number, or leave the point out."
    else:
        at = int(np.argmax(steps <= 0))
        where = (
            f"point {at} is {float(values[at]):.9g} and point {at + 1} {float(values[at + 1]):.9g}"
        )
        remedy = f"Remove point {at + 1}, which is there twice."
        if steps[at] < 0:
            remedy = "Sort the points, or remove those that were written before a restart."
        if (steps < 0).all():
            remedy = "Turn the order of the points round, with all values."
    return DataError(
        f"{path}: {name} does not increase from each point to the next: {where} (the first is 0).",
        remedy=remedy,
    )


def _uneven(path: Path, name: str, values: np.ndarray, override: str, why: str) -> DataError:
    steps = np.diff(values.astype(np.float64))
    at = int(np.argmax(np.abs(steps - np.median(steps))))
    problem = (
        f"{path}: {name} is unevenly spaced, from {steps.min():.4g} to {steps.max():.4g}, and a "
        f"uniform grid is expected; the step after point {at} is {steps[at]:.4g}, most are about "
        f"{np.median(steps):.4g} (the first point is 0)"
    )
    rounding = float(np.spacing(np.abs(values).max())) if values.dtype.kind == "f" else 0.0
    remedy = "Interpolate the data to a uniform grid first"
    if np.ptp(steps) <= 2 * rounding:
        problem += f". Its {values.dtype} values are rounded to {rounding:.4g}"
        remedy = "Store it in double precision, or counted from a later reference"
    elif why:
        problem += f"; {why}"
    return DataError(f"{problem}.", remedy=f"{remedy}{override}.")


def growing(coordinates: Iterable[np.ndarray]) -> tuple[EllipsisType | slice, ...]:
    """The index that turns values around along every axis whose positions fall.

    Args:
        coordinates: positions along the last axes of the values, in their order.
    """
    return (..., *(slice(None, None, -1 if axis[0] > axis[-1] else 1) for axis in coordinates))
