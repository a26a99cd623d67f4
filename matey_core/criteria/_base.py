"""What a criterion may look at, and what it answers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from matey_core.registry import Registry

Estimate = Callable[["History", tuple[int, ...]], Float[Tensor, "b ..."]]
"""(history, points per axis of a cell) → (b, *cells) the error that a model expects there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a criterion may look at: a padded, normalized history and its spread."""

    values: Float[Tensor, "b t c *space"]
    """Normalized fields; every axis is a multiple of the patch."""
    std: Float[Tensor, "b c"]
    """Physical standard deviation of each field, for criteria that want units back."""
    estimate: Estimate | None = None
    """What a model has learned about its own error, for the criterion `learned`."""

    def cells(self, patch: tuple[int, ...]) -> Float[Tensor, "b *cells c m"]:
        """All values of each cell: `m` points of all frames, per field."""
        b, t, c, *space = self.values.shape
        counts = [size // side for size, side in zip(space, patch, strict=True)]
        split = [n for pair in zip(counts, patch, strict=True) for n in pair]
        view = self.values.reshape(b, t, c, *split)
        cells = range(3, view.ndim, 2)
        points = range(4, view.ndim, 2)
        return view.permute(0, *cells, 2, 1, *points).reshape(b, *counts, c, t * math.prod(patch))


@runtime_checkable
class Criterion(Protocol):
    """A score for every cell; cells that score high are refined first."""

    def __call__(self, history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
        """Score the cells of one level.

        Args:
            history: what to look at.
            patch: points per axis of a cell.

        Returns:
            (b, *cells) non-negative scores; a sample's scores depend on it alone.
        """
        ...


CRITERIA: Registry[Criterion] = Registry("matey_core.criteria")
