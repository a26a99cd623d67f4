"""What may be done to a training batch without changing its physics: the door of the family."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pydantic import NonNegativeFloat

from matey_core.augmentations._chain import Chain
from matey_core.batches import FieldBatch
from matey_core.config import PartConfig
from matey_core.fields import FieldSpec
from matey_core.registry import Registry

Augmentation = Callable[[FieldBatch, Sequence[int]], FieldBatch]
"""(batch on the CPU, one seed a sample) → batch: a random change of every sample.

What one sample becomes depends on nothing but itself and its seed: not on the rest of the
batch. The spec stays the same object, so fields and grid are what they were.
"""

AUGMENTATIONS: Registry[type["AugmentationConfig"]] = Registry(__name__)


class AugmentationConfig(PartConfig):
    """Settings of an augmentation."""

    family: ClassVar[Registry[Any]] = AUGMENTATIONS
    default: ClassVar[str] = "noise"

    strength: NonNegativeFloat = 1.0
    """Strength of the augmentation; at 0 it changes nothing."""

    @property
    def presumes_linear(self) -> bool:
        """Whether it is wrong where the equation is known not to be linear."""
        return False

    @property
    def presumes_uniform(self) -> bool:
        """Whether it is wrong where something in the equation is known to stand still."""
        return False

    def check(self, spec: FieldSpec) -> None:
        """Raise if the store does not establish that its physics stays what it is.

        Raises:
            ConfigError: it does not say what it would have to.
        """

    @abstractmethod
    def build(self) -> Augmentation:
        """Make the augmentation."""


__all__ = ["AUGMENTATIONS", "Augmentation", "AugmentationConfig", "Chain"]
