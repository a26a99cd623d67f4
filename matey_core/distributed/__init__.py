"""How training is spread over processes: the door of the family."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.distributed._launch import launch
from matey_core.distributed._world import Place, place_of_this_process
from matey_core.registry import Registry


@runtime_checkable
class Strategy(Protocol):
    """One process' view of all that train together.

    Every method is called by all processes at the same point of the program.
    """

    place: Place
    device: torch.device

    def synchronize(self, module: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average gradients over processes, wherever any process has one."""

    def mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Average a value over processes."""

    def gather(self, value: Tensor) -> list[Tensor]:
        """Collect one tensor of equal shape from each process, on the CPU, in order."""

    def share(self, text: str) -> str:
        """Hand out the first process' text."""

    def close(self) -> None:
        """Leave the group."""


STRATEGIES: Registry[Callable[[Place, torch.device], Strategy]] = Registry(__name__)


def join(device: torch.device | None = None) -> Strategy:
    """Join the processes that this one was started with, or work alone.

    Args:
        device: where to compute; without it, this process' GPU, or the CPU.
    """
    place = place_of_this_process()
    return STRATEGIES["ddp" if place.size > 1 else "single"](place, device or place.device())


__all__ = [
    "STRATEGIES",
    "Place",
    "Strategy",
    "join",
    "launch",
    "place_of_this_process",
]
