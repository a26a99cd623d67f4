"""Shifts along periodic axes."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from pydantic import Field

from matey_core.augmentations import AUGMENTATIONS, AugmentationConfig
from matey_core.augmentations._samples import change_samples, generators
from matey_core.batches import FieldBatch
from matey_core.fields import Grid


@AUGMENTATIONS.register("roll")
class RollConfig(AugmentationConfig):
    """Shifts along periodic axes."""

    name: Literal["roll"] = "roll"
    strength: float = Field(default=1.0, ge=0, le=1)
    """Chance that a sample takes part."""

    @property
    def presumes_uniform(self) -> bool:
        """All places are alike."""
        return True

    def build(self) -> "Roll":
        """Make the augmentation."""
        return Roll(self.strength)


class Roll:
    """f(x) → f(x − s) with s any number of points, the same for all fields and times."""

    def __init__(self, strength: float) -> None:
        """Set the chance that a sample takes part."""
        self.strength = strength

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Shift every sample by its own distance; other axes than periodic ones stay."""
        grid = batch.spec.grid
        axes = [axis for axis, is_periodic in enumerate(grid.periodic) if is_periodic]
        if not axes:
            return batch
        dims = [2 + axis for axis in axes]
        changes = [
            partial(torch.roll, shifts=_shifts(grid, axes, generator), dims=dims)
            if generator
            else None
            for generator in generators(seeds, self.strength)
        ]
        return change_samples(batch, changes)


def _shifts(grid: Grid, axes: Sequence[int], generator: torch.Generator) -> tuple[int, ...]:
    return tuple(int(torch.randint(grid.shape[axis], (), generator=generator)) for axis in axes)
