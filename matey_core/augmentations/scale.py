"""Fields in other units: a factor for each quantity."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import NonNegativeFloat

from matey_core.augmentations import AUGMENTATIONS, AugmentationConfig
from matey_core.batches import FieldBatch
from matey_core.fields import Field


@AUGMENTATIONS.register("scale")
class ScaleConfig(AugmentationConfig):
    """A factor for each quantity."""

    name: Literal["scale"] = "scale"
    strength: NonNegativeFloat = 1.0
    """Largest exponent e of the random factor 2^±e."""
    nonlinear: bool = False
    """Whether fields are scaled although their equation is known not to be linear: what comes out
    are then no states of that equation."""

    @property
    def presumes_linear(self) -> bool:
        """A multiple of a solution is one, unless the user says that it may be none."""
        return self.strength > 0 and not self.nonlinear

    def build(self) -> "RandomScale":
        """Make the augmentation."""
        return RandomScale(self.strength)


class RandomScale:
    """f → 2ᵃ f with a uniform between ±`strength`, for history and targets.

    The components of a vector or tensor share their factor, and each quantity of each
    sample has its own. Fields that are bounded by other values than 0 are left alone.
    """

    def __init__(self, strength: float) -> None:
        """Set the largest power of two."""
        self.strength = strength

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Multiply every quantity of every sample by its own factor."""
        if self.strength == 0:
            return batch
        rows = [self._factors(batch.spec.fields, seed) for seed in seeds]
        factors = batch.history.new_tensor(rows)
        shaped = factors.view(len(rows), 1, -1, *[1] * batch.spec.grid.num_axes)
        targets = batch.targets
        return replace(
            batch,
            history=batch.history * shaped,
            targets=None if targets is None else targets * shaped,
            change=None if batch.change is None else batch.change * factors[:, None],
        )

    def _factors(self, fields: Sequence[Field], seed: int) -> list[float]:
        # Plain numbers: torch rounds an element of an array by its place in it.
        generator = random.Random(seed)
        by_quantity = {
            quantity: 2 ** generator.uniform(-self.strength, self.strength)
            for quantity in dict.fromkeys(field.quantity for field in fields)
        }
        return [by_quantity[field.quantity] if _is_scalable(field) else 1.0 for field in fields]


def _is_scalable(field: Field) -> bool:
    return all(bound in (None, 0) for bound in field.bounds)
