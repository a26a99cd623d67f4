"""A grid of cells moved against the fields, so that no point is always at a cell's edge."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from matey_core.fields import Grid
from matey_core.tokens import to_device


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far the cells begin before the fields' first point.

    Periodic axes are rolled: there are as many cells as before. Where a bounded axis is
    shifted, the cells begin before the domain and end behind it, which takes up to one
    coarse cell more. Points are a tensor and the number of cells is not, so that all shapes
    follow from the latter and a compiled model is not compiled anew for every shift.
    """

    points: Int[Tensor, " a"]
    """Points per axis, from 0 to one less than the coarsest cell has."""
    side: int
    """Points per axis of the coarsest cells."""
    cells: tuple[int, ...]
    """Coarsest cells per axis that cover the shifted domain."""
    periodic: tuple[bool, ...]
    """Whether each axis wraps around."""

    @classmethod
    def of(
        cls,
        points: tuple[int, ...],
        *,
        shape: tuple[int, ...],
        periodic: tuple[bool, ...],
        side: int,
        device: torch.device | str = "cpu",
    ) -> "Shift":
        """Plan a shift.

        Args:
            points: from 0 to `side` − 1, per axis.
            shape: points per axis of the grid that is shifted.
            periodic: whether each of its axes wraps around.
            side: points per axis of the coarsest cells.
            device: where the fields are.
        """
        return cls(
            points=to_device(torch.tensor(points), torch.device(device)),
            side=side,
            cells=tuple(
                -(-(size + (0 if wraps else extra)) // side)
                for extra, size, wraps in zip(points, shape, periodic, strict=True)
            ),
            periodic=periodic,
        )

    @classmethod
    def drawn(
        cls, grid: Grid, side: int, *, seed: int, step: int, device: torch.device | str = "cpu"
    ) -> "Shift":
        """Draw a shift from the seed and the step alone: the same in every process.

        All shifts of the coarsest cells are equally likely, so those of finer ones are, too.

        Args:
            grid: what is shifted.
            side: points per axis of the coarsest cells.
            seed: of all draws.
            step: number of the draw.
            device: where the fields are.
        """
        points = np.random.default_rng((seed, step)).integers(side, size=grid.num_axes)
        return cls.of(
            tuple(points.tolist()),
            shape=grid.shape,
            periodic=grid.periodic,
            side=side,
            device=device,
        )

    def before(self, axis: int) -> Int[Tensor, ""] | int:
        """Points of padding before the domain: none where it is periodic."""
        return 0 if self.periodic[axis] else self.points[axis]
