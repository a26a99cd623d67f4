"""Every process has the whole model and its part of each batch; gradients are averaged.

Several processes may share a part of the batch and have a part each of every sample's tokens
(see `SequenceGroup`): each then has the gradient of its own tokens, and theirs are added up.

Gradients are averaged after the backward pass rather than during it: which parameters a
batch uses (the stem of its number of axes, the rows of its fields, the fine stem only where
a sample is refined) differs from step to step and even between processes, and an average
taken afterwards needs no bookkeeping to get that right.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from matey_core.distributed import STRATEGIES, Place
from matey_core.distributed._group import GroupConfig, ProcessGroup
from matey_core.sequence_group import together


@STRATEGIES.register("ddp")
class DdpConfig(GroupConfig):
    """Several processes, each with the whole model."""

    name: Literal["ddp"] = "ddp"

    def build(self, place: Place, device: torch.device) -> "DataParallel":
        """Join the group."""
        return DataParallel(place, device, timeout=self.timeout)


class DataParallel(ProcessGroup):
    """Every process has the whole model."""

    is_sharded = False

    @property
    def computes_for_first(self) -> bool:
        """Whether this is the first process, or shares its samples."""
        return self.place.shares_with_first

    @together()
    def prepare(self, model: nn.Module) -> None:
        """Move a model to the device, with the weights and buffers of the first process."""
        self.receive(model)

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's own weights and buffers: every process has them whole."""
        return dict(model.state_dict())

    def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum over those that share samples, average over the parts of a batch."""
        self.average_gradients(parameters)
