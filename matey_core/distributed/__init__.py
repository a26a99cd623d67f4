"""How training is spread over processes: the door of the family."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.distributed._launch import launch
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

    def synchronize(self, module: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum gradients over those that share samples, and average over the parts of a batch.

        A gradient that only some processes have counts as zero in the others.
        """

    def mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Average a value over processes."""

    def gather(self, value: Tensor) -> list[Tensor]:
        """Collect one tensor of equal shape from each process, on the CPU, in order."""

    def share(self, text: str) -> str:
        """Hand out the first process' text."""

    def close(self) -> None:
        """Leave the group."""


STRATEGIES: Registry[Callable[[Place, torch.device], Strategy]] = Registry(__name__)


def join(device: torch.device | None = None, *, sequence_size: int = 1) -> Strategy:
    """Join the processes that this one was started with, or work alone.

    Args:
        device: where to compute; without it, this process' GPU, or the CPU.
        sequence_size: how many processes share every sample.

    Raises:
        ConfigError: the processes do not make up whole groups.
    """
    place = place_of_this_process().sharing(sequence_size)
    return STRATEGIES["ddp" if place.size > 1 else "single"](place, device or place.device())


__all__ = [
    "STRATEGIES",
    "Place",
    "Strategy",
    "is_one_of_a_group",
    "join",
    "launch",
    "place_of_this_process",
]
