"""Every process has the whole model and its part of each batch; gradients are averaged.

Several processes may share a part of the batch and have a part each of every sample's tokens
(see `SequenceGroup`): each then has the gradient of its own tokens, and theirs are added up.

Gradients are averaged after the backward pass rather than during it: which parameters a
batch uses (the stem of its number of axes, the rows of its fields, the fine stem only where
a sample is refined) differs from step to step and even between processes, and an average
taken afterwards needs no bookkeeping to get that right.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.distributed import STRATEGIES, Place, StrategyConfig, is_one_of_a_group
from matey_core.sequence_group import SequenceGroup, together

BUCKET = 2**24
"""Numbers averaged in one message: 64 MiB of float32."""


PATIENCE = timedelta(hours=2)
"""How long a process waits for another: the first reads and writes while the others wait, and the
10 minutes that nccl gives it by default are few for slow storage."""


@STRATEGIES.register("ddp")
class DdpConfig(StrategyConfig):
    """Several processes, each with the whole model."""

    name: Literal["ddp"] = "ddp"

    def build(self, place: Place, device: torch.device) -> "DataParallel":
        """Join the group."""
        return DataParallel(place, device)


class DataParallel:
    """Joins the group when made; gloo between CPUs, nccl between GPUs."""

    def __init__(self, place: Place, device: torch.device) -> None:
        self.place = place
        self.device = device
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            init_method=place.address,
            # A process that nobody else was started with has no address to meet at.
            store=None if is_one_of_a_group() or place.size > 1 else dist.HashStore(),  # type: ignore[attr-defined]
            rank=place.rank,
            world_size=place.size,
            device_id=device if device.type == "cuda" else None,
            timeout=PATIENCE,
        )
        self.sequence = _sequence_group(place)

    @property
    def computes_for_first(self) -> bool:
        """Whether this is the first process, or shares its samples."""
        return self.place.shares_with_first

    @together()
    def prepare(self, model: nn.Module) -> None:
        """Move a model to the device, with the weights and buffers of the first process."""
        model.to(self.device)
        for tensor in (*model.parameters(), *model.buffers()):
            dist.broadcast(tensor.detach(), src=0)

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's own weights and buffers: every process has them whole."""
        return dict(model.state_dict())

    @together()
    def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum over those that share samples, average over the parts of a batch."""
        has_gradient = torch.tensor(
            [parameter.grad is not None for parameter in parameters],
            dtype=torch.uint8,
            device=self.device,
        )
        dist.all_reduce(has_gradient, op=dist.ReduceOp.MAX)
        used = [p for p, is_used in zip(parameters, has_gradient.tolist(), strict=True) if is_used]
        for parameter in used:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        for bucket in _buckets(used):
            gradients = [parameter.grad for parameter in bucket if parameter.grad is not None]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            flat /= self.place.data_size
            sizes = [gradient.numel() for gradient in gradients]
            for gradient, part in zip(gradients, flat.split(sizes), strict=True):
                gradient.copy_(part.view_as(gradient))

    @together()
    def all_reduce_mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Average a value over processes."""
        value = value.clone()
        dist.all_reduce(value)
        return value / self.place.size

    @together()
    def all_gather(self, value: Tensor) -> list[Tensor]:
        """Collect one tensor of equal shape from each process, on the CPU, in order."""
        value = value.to(self.device)
        gathered = [torch.empty_like(value) for _ in range(self.place.size)]
        dist.all_gather(gathered, value)
        return [tensor.cpu() for tensor in gathered]

    @together()
    def broadcast(self, value: Any) -> Any:
        """Hand out the first process' value, as JSON."""
        text = json.dumps(value) if self.place.is_first else ""
        data = torch.tensor(list(text.encode()), dtype=torch.uint8, device=self.device)
        size = torch.tensor([data.numel()], device=self.device)
        dist.broadcast(size, src=0)
        if not self.place.is_first:
            data = torch.empty(int(size), dtype=torch.uint8, device=self.device)
        dist.broadcast(data, src=0)
        return json.loads(bytes(data.cpu().tolist()))

    def close(self) -> None:
        """Leave the group."""
        dist.destroy_process_group()


@together()
def _sequence_group(place: Place) -> SequenceGroup | None:
    """Join those that share samples; every process takes part in making every group."""
    if place.sequence_size == 1:
        return None
    handle = None
    for start in range(0, place.size, place.sequence_size):
        ranks = list(range(start, start + place.sequence_size))
        made = dist.new_group(ranks)
        handle = made if place.rank in ranks else handle
    assert handle is not None
    return SequenceGroup(
        rank=place.rank % place.sequence_size, size=place.sequence_size, handle=handle
    )


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[Sequence[nn.Parameter]]:
    """Cut the list where a bucket is full; parameters are in the same order everywhere."""
    starts, filled = [0], 0
    for index, parameter in enumerate(parameters):
        if filled and filled + parameter.numel() > BUCKET:
            starts.append(index)
            filled = 0
        filled += parameter.numel()
    for start, stop in pairwise([*starts, len(parameters)]):
        if stop > start:
            yield parameters[start:stop]
