"""Quarter and half turns in the planes of the grid."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from matey_core.augmentations import AUGMENTATIONS, AugmentationConfig
from matey_core.augmentations._established import check_established
from matey_core.augmentations._samples import change_samples, picked
from matey_core.augmentations._symmetries import symmetries
from matey_core.batches import FieldBatch
from matey_core.fields import FieldSpec


@AUGMENTATIONS.register("rotate")
class RotateConfig(AugmentationConfig):
    """Quarter and half turns."""

    name: Literal["rotate"] = "rotate"
    strength: float = Field(default=1.0, ge=0, le=1)
    """Chance that a sample takes part."""

    def check(self, spec: FieldSpec) -> None:
        """Raise unless the store says what its fields and axes are to mirrors and turns."""
        if self.strength > 0:
            check_established(spec, self.name)

    def build(self) -> "Rotate":
        """Make the augmentation."""
        return Rotate(self.strength)


class Rotate:
    """All turns that lay the grid onto itself, each as likely as any other.

    Quarter turns need two axes of equal extent, spacing and boundary; planes of other
    shapes are turned by half. Directed axes stay where they are. Vectors and tensors turn
    along; a store that lacks a component that this needs gets half turns only.
    """

    def __init__(self, strength: float) -> None:
        """Set the chance that a sample takes part."""
        self.strength = strength

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Turn every sample in its own way."""
        rotations = [symmetry for symmetry in symmetries(batch.spec) if symmetry.is_rotation]
        return change_samples(batch, picked(rotations, seeds, self.strength))
