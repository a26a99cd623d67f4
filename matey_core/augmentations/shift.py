"""Shifts along periodic axes by any distance, between points as well.

Waves are turned by the phase of the distance (Fourier's shift theorem). So a field that the grid
resolves is shifted exactly; a shock between two points rings, where `roll` is right.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from jaxtyping import Shaped
from pydantic import Field
from torch import Tensor

from matey_core.augmentations import AUGMENTATIONS, AugmentationConfig
from matey_core.augmentations._samples import change_samples, generators
from matey_core.batches import FieldBatch


@AUGMENTATIONS.register("shift")
class ShiftConfig(AugmentationConfig):
    """Shifts along periodic axes, between points as well."""

    name: Literal["shift"] = "shift"
    strength: float = Field(default=1.0, ge=0, le=1)
    """Chance that a sample takes part."""

    @property
    def presumes_uniform(self) -> bool:
        """All places are alike."""
        return True

    def build(self) -> "PhaseShift":
        """Make the augmentation."""
        return PhaseShift(self.strength)


class PhaseShift:
    """f(x) → f(x − s) with s any distance, the same for all fields and times.

    Where cells of a store are solid or missing, s is a whole number of points.
    """

    def __init__(self, strength: float) -> None:
        """Set the chance that a sample takes part."""
        self.strength = strength

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Shift every sample by its own distance; other axes than periodic ones stay."""
        grid = batch.spec.grid
        axes = [axis for axis, is_periodic in enumerate(grid.periodic) if is_periodic]
        if not axes:
            return batch
        shape = torch.tensor([grid.shape[axis] for axis in axes], dtype=torch.float64)
        distances = [
            (shape * torch.rand(len(axes), generator=generator, dtype=torch.float64)).tolist()
            if generator
            else None
            for generator in generators(seeds, self.strength)
        ]
        dims = [2 + axis for axis in axes]
        if batch.valid is not None:
            return change_samples(
                batch,
                [
                    partial(torch.roll, shifts=[int(each) for each in distance], dims=dims)
                    if distance
                    else None
                    for distance in distances
                ],
            )
        return change_samples(
            batch,
            [
                partial(shifted, distance=dict(zip(dims, distance, strict=True)))
                if distance
                else None
                for distance in distances
            ],
        )


def shifted(
    values: Shaped[Tensor, "k c *space"], distance: dict[int, float]
) -> Shaped[Tensor, "k c *space"]:
    """Shift values along some of their axes, computed in float64.

    Of the wave that changes its sign from point to point, only the part that the points show
    stays.

    Args:
        values: on a periodic grid.
        distance: number of the axis → distance in points.
    """
    # A new array: on a CPU the rounding of a transform depends on where in memory it begins.
    moved = values.to(torch.float64, copy=True)
    for dim, points in distance.items():
        size = moved.shape[dim]
        angle = 2 * math.pi * points * torch.fft.rfftfreq(size, dtype=torch.float64)
        turn = torch.polar(torch.ones_like(angle), -angle)
        turn = turn.view([-1 if axis == dim else 1 for axis in range(moved.ndim)])
        moved = torch.fft.irfft(torch.fft.rfft(moved, dim=dim) * turn, n=size, dim=dim)
    return moved.to(values.dtype)
