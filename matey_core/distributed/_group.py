"""Processes that train together: what all strategies of several processes have in common.

Numbers of the device travel between devices. What hosts know (flags, text, counts) travels between
hosts, so that nobody waits for a device to tell it.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.distributed import distributed_c10d
from torch.nn.utils import clip_grad_norm_

from matey_core.distributed import StrategyConfig
from matey_core.distributed._gate import Gate
from matey_core.distributed._world import Place, is_one_of_a_group
from matey_core.heartbeat import Heartbeat
from matey_core.sequence_group import SequenceGroup, together

BUCKET = 2**24
"""Numbers averaged in one message: 64 MiB of float32."""

DEFAULT_TIMEOUT = 10.0
"""Minutes that a process waits for others in a step."""


class GroupConfig(StrategyConfig):
    """Settings that all strategies of several processes share."""

    timeout_minutes: PositiveFloat = DEFAULT_TIMEOUT
    """Minutes after which a process that the others wait for in a step is named, and all end; also
    that the first process may stand still while it works alone."""

    @property
    def timeout(self) -> timedelta:
        """How long a process waits for others."""
        return timedelta(minutes=self.timeout_minutes)


class ProcessGroup:
    """Joins the group when made; gloo between hosts, nccl between GPUs."""

    @together()
    def __init__(
        self,
        place: Place,
        device: torch.device,
        *,
        timeout: timedelta = timedelta(minutes=DEFAULT_TIMEOUT),
    ) -> None:
        self.place = place
        self.device = device
        self.timeout = timeout
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            init_method=place.address,
            # A process that nobody else was started with has no address to meet at.
            store=None if is_one_of_a_group() or place.size > 1 else dist.HashStore(),  # type: ignore[attr-defined]
            rank=place.rank,
            world_size=place.size,
            device_id=device if device.type == "cuda" else None,
            timeout=timeout,
        )
        store = distributed_c10d._get_default_store()
        self._heartbeat = Heartbeat(store, rank=place.rank, size=place.size, timeout=timeout)
        self._gate = Gate(store, place, timeout)
        dist.all_reduce(torch.zeros(1))  # the others' first signs of life are there
        self.sequence = _sequence_group(place, timeout)

    def receive(self, model: nn.Module) -> None:
        """Move a model to the device, with the weights and buffers of the first process."""
        model.to(self.device)
        for tensor in (*model.parameters(), *model.buffers()):
            dist.broadcast(tensor.detach(), src=0)

    @together()
    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Sum over those that share samples, average over the parts of a batch."""
        has_gradient = torch.tensor(
            [parameter.grad is not None for parameter in parameters],
            dtype=torch.uint8,
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

    def clip(self, parameters: Sequence[nn.Parameter], longest: float) -> Float[Tensor, ""]:
        """Shorten the gradient; all processes have the same."""
        return clip_grad_norm_(parameters, longest)

    @together()
    def all_reduce_mean(self, value: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Average a value over processes."""
        value = value.clone()
        dist.all_reduce(value)
        return value / self.place.size

    @together()
    def all_gather(self, value: Tensor) -> list[Tensor]:
        """Collect one tensor of equal shape from each process, on the CPU, in order."""
        value = value.cpu()
        gathered = [torch.empty_like(value) for _ in range(self.place.size)]
        dist.all_gather(gathered, value)
        return gathered

    @together()
    def broadcast(self, value: Any) -> Any:
        """Hand out the first process' value, as JSON; the others wait for as long as it lives."""
        self._gate.pass_through()
        text = json.dumps(value) if self.place.is_first else ""
        data = torch.tensor(list(text.encode()), dtype=torch.uint8)
        size = torch.tensor([data.numel()])
        dist.broadcast(size, src=0)
        if not self.place.is_first:
            data = torch.empty(int(size), dtype=torch.uint8)
        dist.broadcast(data, src=0)
        return json.loads(bytes(data.tolist()))

    def close(self) -> None:
        """Leave the group."""
        self._heartbeat.stop()
        dist.destroy_process_group()


@together()
def _sequence_group(place: Place, timeout: timedelta) -> SequenceGroup | None:
    """Join those that share samples; every process takes part in making every group."""
    if place.sequence_size == 1:
        return None
    handle = None
    for start in range(0, place.size, place.sequence_size):
        ranks = list(range(start, start + place.sequence_size))
        made = dist.new_group(ranks, timeout=timeout)
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
