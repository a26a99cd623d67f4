"""What may be done to a training batch without changing its physics: the door of the family."""

from collections.abc import Sequence
from typing import Protocol

from matey_core.augmentations._chain import Chain
from matey_core.batches import FieldBatch
from matey_core.registry import Registry


class Augmentation(Protocol):
    """A random change of every sample, decided by a number of its own.

    What one sample becomes depends on nothing but itself and its seed: not on the rest of
    the batch. The spec stays the same object, so fields and grid are what they were.
    """

    def __init__(self, strength: float = ...) -> None:
        """Set how strong it may be; at 0 it changes nothing."""
        ...

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Change the samples of a batch.

        Args:
            batch: on the CPU.
            seeds: one number a sample; the same number makes the same change.
        """
        ...


AUGMENTATIONS: Registry[type[Augmentation]] = Registry(__name__)

__all__ = ["AUGMENTATIONS", "Augmentation", "Chain"]
