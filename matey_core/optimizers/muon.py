"""Muon for matrices (Jordan et al. 2024): steps along the nearest orthogonal matrix."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from matey_core.optimizers import (
    OPTIMIZERS,
    OptimizerConfig,
    RateFactor,
    groups_of,
    leaves_steps_to_device,
    num_long_axes,
    same_rate,
)


@OPTIMIZERS.register("muon")
class MuonConfig(OptimizerConfig):
    """Muon for parameters that are matrices, AdamW for all others.

    Steps of matrices are as large as AdamW's usually are (arXiv 2502.16982), so that one learning
    rate serves both. Biases, norms and scales do not decay.
    """

    name: Literal["muon"] = "muon"
    learning_rate: PositiveFloat = 4e-3
    """Largest learning rate; the schedule says when it is reached."""
    weight_decay: float = Field(default=1e-3, ge=0.0, le=1e6)
    """Weight decay: a step at learning rate η removes the fraction η × this of a weight."""
    momentum: float = Field(default=0.95, ge=0.0, lt=1.0)
    """Momentum of the gradients of matrices; AdamW has its own."""

    def build(self, module: nn.Module, *, rate_of: RateFactor = same_rate) -> Optimizer:
        """Make one optimizer over the parameters that require a gradient."""
        named = list(module.named_parameters())
        matrices, others = (
            groups_of(
                [(name, value) for name, value in named if _is_matrix(value) == are_matrices],
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                rate_of=rate_of,
            )
            for are_matrices in (True, False)
        )
        parts: list[Optimizer] = []
        if matrices:
            parts.append(
                SkippingMuon(matrices, momentum=self.momentum, adjust_lr_fn="match_rms_adamw")
            )
        if others:
            parts.append(AdamW(others, fused=True))
        return JoinedOptimizers(parts)


class SkippingMuon(Muon):
    """Muon that takes no step where the device finds that it must not, as fused optimizers do."""

    _step_supports_amp_scaling = True
    found_inf: Tensor | None = None
    """(), on the device: other than 0 where nothing may change."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take a step, and take it back where `found_inf` says so."""
        take: Callable[..., Any] = super().step
        if self.found_inf is None:
            return take(closure)
        used = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        moments = [
            self.state[p].setdefault("momentum_buffer", torch.zeros_like(p.grad)) for p in used
        ]
        changing = [*used, *moments]
        before = [tensor.clone() for tensor in changing]
        is_bad = self.found_inf != 0
        loss = take(closure)
        for tensor, old in zip(changing, before, strict=True):
            tensor.copy_(torch.where(is_bad, old, tensor))
        return loss


class JoinedOptimizers(Optimizer):
    """Several optimizers as one, with the groups and the state of all."""

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        super().__init__([group for part in parts for group in part.param_groups], defaults={})
        self.parts = tuple(parts)
        self.found_inf: Tensor | None = None
        self._step_supports_amp_scaling = all(map(leaves_steps_to_device, parts))
        for part in parts:
            part.state = self.state

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take the step of each."""
        loss = closure() if closure else None
        for part in self.parts:
            if leaves_steps_to_device(part):
                part.found_inf = self.found_inf
            part.step()
        return loss


def _is_matrix(parameter: nn.Parameter) -> bool:
    return parameter.ndim == 2 and num_long_axes(parameter) > 1
