"""What every fine-tuning mode promises, and its settings."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from matey_core.config import PartConfig
from matey_core.errors import ConfigError
from matey_core.models import Model
from matey_core.registry import Registry

FINETUNING: Registry[type["FinetuneModeConfig"]] = Registry("matey_core.finetuning")


class FinetuneModeConfig(PartConfig, ABC):
    """Settings of a fine-tuning mode, and its effect on a model."""

    family: ClassVar[Registry[Any]] = FINETUNING
    default: ClassVar[str] = "full"
    key: ClassVar[str] = "mode"

    mode: str
    save: Literal["merged", "adapter"] = "merged"
    """Save the whole model (`merged`), or only its differences from the base (`adapter`), which
    then needs the base at its place."""

    @abstractmethod
    def prepare(self, model: Model) -> None:
        """Set `requires_grad` on every parameter; a mode may add weights of its own.

        A mode with weights of its own defines `merged` as well.

        Args:
            model: on the CPU, trained, and extended by new fields and axes. Its prediction
                must stay what it is.

        Raises:
            ConfigError: the model has nothing that the settings ask for.
        """

    def merged(self, model: Model) -> Mapping[str, Tensor] | None:
        """Give the weights with which a model that knows no mode predicts the same.

        They are what is saved for use, under the names and in the shapes that the model had
        before `prepare`. None, the default, where its own weights are these.

        Args:
            model: prepared by this mode, and perhaps trained; it is left as it is.
        """
        return None

    def factors(self, model: Model) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Name weights that do not train, but have a product of two matrices added when merged.

        With `save = "adapter"` the two are saved in place of the weight: (rows, rank) and
        (rank, columns) of the weight as a matrix, whose rows are its first axis or its first few
        axes. None by default.

        Args:
            model: prepared by this mode, and perhaps trained.
        """
        return {}

    def note(self, model: Model) -> str:
        """Say what a user should know of what trains and what does not; empty by default.

        Args:
            model: prepared by this mode.
        """
        return ""

    def rate_of(self, model: Model, parameter: str) -> float:
        """Say which multiple of the learning rate a parameter trains with.

        Args:
            model: prepared by this mode.
            parameter: its name in `named_parameters`.
        """
        return 1.0


def train_parts(model: Model, parts: Collection[str]) -> None:
    """Let these parts of a model train and freeze the others; see `Model.part_of`."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.part_of(name) in parts)


def check_merged(
    mode: FinetuneModeConfig, model: Model, expected: Mapping[str, torch.Size]
) -> None:
    """Refuse a mode whose result no model folder can hold, before anything is trained.

    Args:
        mode: has prepared the model.
        model: with the weights of the mode.
        expected: shapes by name in the model's state before that.

    Raises:
        ConfigError: names the weights that have no place.
    """
    weights = mode.merged(model)
    found = {key: value.shape for key, value in (weights or model.state_dict()).items()}
    if found != expected:
        names = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
        raise ConfigError(
            f"finetune.mode={mode.mode} changes which weights the model has: "
            f"{', '.join(names[:4])}{', …' if len(names) > 4 else ''}. No model folder holds them.",
            remedy="Let the `merged` of that mode return weights with the names and shapes that "
            "the model had before; docs/extend/finetuning.md has an example.",
        )
