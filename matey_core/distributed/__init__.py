"""How training is spread over processes: the door of the family."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.config import PartConfig
from matey_core.distributed._launch import launch
from matey_core.distributed._parent import end_with_launcher
from matey_core.distributed._shards import load_whole, part_of, whole
from matey_core.distributed._world import Place, is_one_of_a_group, place_of_this_process
from matey_core.registry import Registry
from matey_core.sequence_group import SequenceGroup


@runtime_checkable
class Strategy(Protocol):
    """One process' view of all that train together.

    Every method is called by all processes at the same point of the program.
    """

    place: Place
    device: torch.device
    sequence: SequenceGroup | None
    """The processes that share this one's samples; None where it has whole samples."""

    is_sharded: bool
    """Whether processes hold parts of the weights; all then take part in every forward pass."""

    @property
    def computes_for_first(self) -> bool:
        """Whether this process takes part in a forward pass whose result only the first needs.

        All do that hold a part of the first's weights or samples.
        """

    def prepare(self, model: nn.Module) -> None:
        """Move a model to the device, with the weights and buffers of the first process."""

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """Whole weights and buffers by name, whatever part of them this process holds."""

    def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum gradients over those that share samples, and average over the parts of a batch.

        A gradient that only some processes have counts as zero in the others.
        """

    def clip(self, parameters: Sequence[nn.Parameter], longest: float) -> Float[Tensor, ""]:
        """Shorten the gradient to a norm if it is longer; its norm before that."""

    def all_reduce_mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Average a value over processes."""

    def all_gather(self, value: Tensor) -> list[Tensor]:
        """Collect one tensor of equal shape from each process, on the CPU, in order."""

    def broadcast(self, value: Any) -> Any:
        """Hand out the first process' value: strings, numbers, None, lists and dictionaries.

        It travels as JSON: numbers arrive exactly, and nothing that a process receives is run,
        as a pickle would be.
        """

    def close(self) -> None:
        """Leave the group."""


STRATEGIES: Registry[type["StrategyConfig"]] = Registry(__name__)


class StrategyConfig(PartConfig):
    """Settings of a strategy."""

    family: ClassVar[Registry[Any]] = STRATEGIES
    default: ClassVar[str] = "single"

    @property
    def is_alone(self) -> bool:
        """Whether it works with one process only."""
        return False

    @abstractmethod
    def build(self, place: Place, device: torch.device) -> Strategy:
        """Join the other processes.

        Args:
            place: this process among them.
            device: where it computes.

        Raises:
            ConfigError: there are more processes than the strategy works with.
        """


def join(
    device: torch.device | None = None,
    *,
    sequence_size: int = 1,
    strategy: StrategyConfig | None = None,
) -> Strategy:
    """Join the processes that this one was started with, or work alone.

    Args:
        device: where to compute; without it, this process' GPU, or the CPU.
        sequence_size: how many processes share every sample.
        strategy: how training is spread; by default `ddp` over several processes.

    Raises:
        ConfigError: the processes do not make up whole groups, or are too many.
    """
    end_with_launcher()
    place = place_of_this_process().sharing(sequence_size)
    config = strategy or StrategyConfig.choose("ddp" if place.size > 1 else "single")
    return config.build(place, device or place.device())


__all__ = [
    "STRATEGIES",
    "Place",
    "Strategy",
    "StrategyConfig",
    "is_one_of_a_group",
    "join",
    "launch",
    "load_whole",
    "part_of",
    "place_of_this_process",
    "whole",
]
