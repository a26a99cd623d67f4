"""A moving average of the weights while they train."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.optim import Optimizer

from matey_core.distributed import part_of
from matey_core.optimizers import AveragesWeights

PREFIX = "average."
"""Of the averages among the tensors of a checkpoint."""


class WeightAverage:
    """Follows the weights that train: average ← d × average + (1 − d) × weight after every step.

    d is the decay, and less at first, (1 + n) / (10 + n) after n steps, so that the weights which
    a training starts with are forgotten soon.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Start with the weights as they are.

        Args:
            model: on its device; frozen weights are not followed.
            decay: above 0 and below 1.
        """
        self.decay = decay
        self._weights = {
            name: value for name, value in model.named_parameters() if value.requires_grad
        }
        self.values = {name: value.detach().clone() for name, value in self._weights.items()}

    @torch.no_grad()
    def update(self, step: int, *, when: Bool[Tensor, ""] | None = None) -> None:
        """Follow a step that was taken after `step` others.

        Args:
            step: of the training.
            when: whether it was taken, which a device decides by itself; None if it surely was.
        """
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        values = list(self.values.values())
        weights: list[Tensor] = list(self._weights.values())
        if when is not None and when.device.type != "cpu":
            torch._foreach_lerp_(values, weights, [torch.where(when, share, 0.0)] * len(values))
        elif when is None or bool(when):
            torch._foreach_lerp_(values, weights, share)

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: the averages, each in the shape of its weight, by name."""
        return {f"{PREFIX}{name}": value for name, value in self.values.items()}

    @torch.no_grad()
    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint.

        Args:
            tensors: what `state_dict` gave, beside anything else.

        Raises:
            KeyError: it has no average of a weight.
        """
        for name, value in self.values.items():
            value.copy_(part_of(tensors[f"{PREFIX}{name}"], value))


@contextmanager
def evaluated(
    model: nn.Module, optimizer: Optimizer, average: WeightAverage | None
) -> Iterator[None]:
    """Let a model have the weights that are scored and saved, until the block ends.

    They are the average, or those of an optimizer that averages by itself; otherwise nothing
    changes. The weights that train come back bit for bit.

    Args:
        model: whose weights are put aside meanwhile.
        optimizer: may average by itself.
        average: of the weights; None where there is none.
    """
    if not evaluates_others(optimizer, average):
        yield
        return
    weights = [value for value in model.parameters() if value.requires_grad]
    own = [value.detach().clone() for value in weights]
    if isinstance(optimizer, AveragesWeights):
        optimizer.eval()
    if average is not None:
        _copy(list(average.values.values()), weights)
    try:
        yield
    finally:
        if isinstance(optimizer, AveragesWeights):
            optimizer.train()
        _copy(own, weights)


def evaluates_others(optimizer: Optimizer, average: WeightAverage | None) -> bool:
    """Whether other weights are scored and saved than those that train."""
    return average is not None or isinstance(optimizer, AveragesWeights)


@torch.no_grad()
def _copy(values: list[Tensor], weights: list[nn.Parameter]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)
