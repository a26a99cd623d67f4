"""Every process holds a part of each weight, of its gradient and of the optimizer's moments.

PyTorch's FSDP2 (`fully_shard`): a part of the model is collected before it computes and given up
after it, and its gradients are averaged while the backward pass goes on. What is saved is whole, so
that a run may go on with another number of processes, or with another strategy.
"""

import warnings
from collections.abc import Sequence
from dataclasses import is_dataclass
from datetime import timedelta
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.export import register_dataclass
from torch.utils._pytree import SUPPORTED_NODES

from matey_core.batches import Prediction
from matey_core.distributed import STRATEGIES, Place
from matey_core.distributed._group import GroupConfig, ProcessGroup
from matey_core.distributed._shards import has_parts, whole
from matey_core.models import Model
from matey_core.sequence_group import together
from matey_core.tokens import TokenBatch


@STRATEGIES.register("fsdp")
class FsdpConfig(GroupConfig):
    """Several processes, each with a part of the model."""

    name: Literal["fsdp"] = "fsdp"

    def build(self, place: Place, device: torch.device) -> "FullySharded":
        """Join the group."""
        return FullySharded(place, device, timeout=self.timeout)


class FullySharded(ProcessGroup):
    """Every process holds a part of each weight."""

    is_sharded = True

    def __init__(self, place: Place, device: torch.device, *, timeout: timedelta) -> None:
        super().__init__(place, device, timeout=timeout)
        self.mesh = init_device_mesh(device.type, (place.size,))
        for kind in (Prediction, TokenBatch):  # in which FSDP looks for tensors
            if is_dataclass(kind) and kind not in SUPPORTED_NODES:
                register_dataclass(kind)

    @property
    def computes_for_first(self) -> bool:
        """True: each process holds a part of what the first computes with."""
        return True

    @together()
    def prepare(self, model: nn.Module) -> None:
        """Move a model to the device, with the first one's weights, and keep this one's part."""
        parts = tuple(model.compiled_parts()) if isinstance(model, Model) else ()
        self.receive(model)
        # In-place changes of what a model returns would be the trap; the objectives make none.
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")
        for part in (*parts, model):
            fully_shard(part, mesh=self.mesh, reshard_after_forward=True)
        _leave_inference_mode(type(model))

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """Whole weights and buffers, on the CPU where they were parts."""
        return {
            name: whole(value).cpu() if has_parts(value) else value
            for name, value in model.state_dict().items()
        }

    def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Average what is whole; gradients of parts were averaged in the backward pass."""
        self.average_gradients([each for each in parameters if not has_parts(each)])

    def clip(self, parameters: Sequence[nn.Parameter], longest: float) -> Float[Tensor, ""]:
        """Shorten the gradient, whose length is that of all parts."""
        return whole(super().clip(parameters, longest))


def _leave_inference_mode(kind: type[nn.Module]) -> None:
    """Let models of a class that FSDP made compute without gradients instead of for inference.

    What is collected for inference could not be written to in the next training step.
    """
    if "__call__" in vars(kind):
        return
    call = kind.__call__

    def called(model: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if not torch.is_inference_mode_enabled():
            return call(model, *args, **kwargs)
        with torch.inference_mode(False), torch.no_grad():
            return call(model, *args, **kwargs)

    kind.__call__ = called  # type: ignore[method-assign]
