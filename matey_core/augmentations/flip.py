"""Mirror images: each axis runs backwards or not."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from matey_core.augmentations import AUGMENTATIONS, AugmentationConfig
from matey_core.augmentations._established import check_established
from matey_core.augmentations._samples import change_samples, picked
from matey_core.augmentations._symmetries import symmetries
from matey_core.batches import FieldBatch
from matey_core.fields import FieldSpec


@AUGMENTATIONS.register("flip")
class FlipConfig(AugmentationConfig):
    """Mirror images."""

    name: Literal["flip"] = "flip"
    strength: float = Field(default=1.0, ge=0, le=1)
    """Chance that a sample takes part."""

    def check(self, spec: FieldSpec) -> None:
        """Raise unless the store says what its fields and axes are to mirrors and turns."""
        if self.strength > 0:
            check_established(spec, self.name)

    def build(self) -> "Flip":
        """Make the augmentation."""
        return Flip(self.strength)


class Flip:
    """x → −x along axes that are not directed, each combination as likely as any other.

    Components of vectors along a mirrored axis change sign; pseudovectors those across it.
    """

    def __init__(self, strength: float) -> None:
        """Set the chance that a sample takes part."""
        self.strength = strength

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Mirror every sample in its own way."""
        mirrors = [symmetry for symmetry in symmetries(batch.spec) if symmetry.is_mirror]
        return change_samples(batch, picked(mirrors, seeds, self.strength))
