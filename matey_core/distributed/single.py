"""One process does everything."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.distributed import STRATEGIES, Place
from matey_core.sequence_group import SequenceGroup


@STRATEGIES.register("single")
class Single:
    """Nobody to agree with."""

    def __init__(self, place: Place, device: torch.device) -> None:
        self.place = place
        self.device = device
        self.sequence: SequenceGroup | None = None

    def synchronize(self, module: nn.Module) -> None:
        """Do nothing."""

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Do nothing."""

    def mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return the value."""
        return value

    def gather(self, value: Tensor) -> list[Tensor]:
        """Return the one tensor there is."""
        return [value.cpu()]

    def share(self, text: str) -> str:
        """Return the text."""
        return text

    def close(self) -> None:
        """Do nothing."""
