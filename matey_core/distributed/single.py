"""One process does everything."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from matey_core.distributed import STRATEGIES, Place, StrategyConfig
from matey_core.errors import ConfigError
from matey_core.sequence_group import SequenceGroup


@STRATEGIES.register("single")
class SingleConfig(StrategyConfig):
    """One process."""

    name: Literal["single"] = "single"

    @property
    def is_alone(self) -> bool:
        """True."""
        return True

    def build(self, place: Place, device: torch.device) -> "Single":
        """Work alone; refuse other processes."""
        if place.size > 1:
            raise ConfigError(
                f"strategy is single, but {place.size} processes were started.",
                remedy="Leave strategy out, or start one process.",
            )
        return Single(place, device)


class Single:
    """One process, which has nobody to agree with."""

    is_sharded = False

    def __init__(self, place: Place, device: torch.device) -> None:
        self.place = place
        self.device = device
        self.sequence: SequenceGroup | None = None

    @property
    def computes_for_first(self) -> bool:
        """True."""
        return True

    def prepare(self, model: nn.Module) -> None:
        """Move the model to the device."""
        model.to(self.device)

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's own weights and buffers."""
        return dict(model.state_dict())

    def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Do nothing."""

    def clip(self, parameters: Sequence[nn.Parameter], longest: float) -> Float[Tensor, ""]:
        """Shorten the gradient if it is longer."""
        return clip_grad_norm_(parameters, longest)

    def all_reduce_mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return the value."""
        return value

    def all_gather(self, value: Tensor) -> list[Tensor]:
        """Return the one tensor there is."""
        return [value.cpu()]

    def broadcast(self, value: Any) -> Any:
        """Return the value."""
        return value

    def close(self) -> None:
        """Do nothing."""
