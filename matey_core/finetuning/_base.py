"""What every fine-tuning mode promises, and its settings."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

from matey_core.config import PartConfig
from matey_core.models import Model
from matey_core.registry import Registry

FINETUNING: Registry[type["FinetuneModeConfig"]] = Registry("matey_core.finetuning")


class FinetuneModeConfig(PartConfig, ABC):
    """Settings of a mode, and what it does with a model: a mode has no other state."""

    family: ClassVar[Registry[Any]] = FINETUNING
    default: ClassVar[str] = "full"
    key: ClassVar[str] = "mode"

    mode: str

    @abstractmethod
    def prepare(self, model: Model) -> None:
        """Set `requires_grad` on every parameter; a mode may add weights of its own.

        Args:
            model: on the CPU, trained, and extended by new fields and axes. Its prediction
                must stay what it is.

        Raises:
            ConfigError: the model has nothing that the settings ask for.
        """

    def rate_of(self, model: Model, parameter: str) -> float:
        """Say which multiple of the learning rate a parameter trains with.

        Args:
            model: prepared by this mode.
            parameter: its name in `named_parameters`.
        """
        del model, parameter
        return 1.0


def train_parts(model: Model, parts: Collection[str]) -> None:
    """Let these parts of a model train and freeze the others; see `Model.part_of`."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.part_of(name) in parts)
