"""float32, or bfloat16 where this machine's matrix products are faster with it."""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from matey_core.batches import FieldBatch
from matey_core.models import Model, with_kernel
from matey_core.objectives import Objective, Setting, within

SPEED_UP = 1.3
"""bfloat16 is taken where it makes the model's matrix products this much faster."""
ROWS = 512
"""Tokens of the measured products."""
LARGEST_ERROR = 0.02
"""Of a prediction in bfloat16, relative to float32, in root mean square."""
LARGEST_GRADIENT_ERROR = 0.15
"""Of the gradient, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """In what arithmetic the blocks of a model compute."""

    name: Literal["float32", "bfloat16"]
    reason: str = ""
    """Why this one."""

    def autocast(self, device: torch.device) -> AbstractContextManager[object]:
        """Let matrix products use it. What must stay float32 the model keeps so by itself."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.name == "bfloat16")

    def within(self, device: torch.device) -> Setting:
        """Let the model predict every batch in it."""
        return lambda batch: self.autocast(device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far bfloat16 is from float32 on one batch, in root mean square."""

    prediction: float
    """Difference of the predictions, relative to their size."""
    gradient: float
    """Difference of the gradients, relative to their size."""

    @property
    def is_good(self) -> bool:
        """Whether training in bfloat16 is safe."""
        return self.prediction <= LARGEST_ERROR and self.gradient <= LARGEST_GRADIENT_ERROR


def choose_precision(model: nn.Module, device: torch.device) -> Precision:
    """Time the model's largest matrix product forward and backward, and take the faster type."""
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not layers:
        return Precision(name="float32", reason="the model has no matrix products")
    largest = max(layers, key=lambda layer: layer.weight.numel())
    seconds = _seconds(largest, "float32", device, patience=math.inf)
    gain = seconds / _seconds(largest, "bfloat16", device, patience=4 * seconds)
    reason = (
        f"a {largest.in_features}×{largest.out_features} matrix product is "
        f"{gain:.2g} times as fast in bfloat16 here"
    )
    return Precision(name="bfloat16" if gain >= SPEED_UP else "float32", reason=reason)


def _seconds(
    layer: nn.Linear,
    name: Literal["float32", "bfloat16"],
    device: torch.device,
    *,
    patience: float,
) -> float:
    """Median time of a product and its gradient; of a single one if that exceeds `patience`.

    Processors without bfloat16 units can be hundreds of times slower with it.
    """
    weight = torch.randn(layer.out_features, layer.in_features, device=device, requires_grad=True)
    tokens = torch.randn(ROWS, layer.in_features, device=device, requires_grad=True)
    precision = Precision(name=name)

    def step() -> None:
        with precision.autocast(device):
            nn.functional.linear(tokens, weight).square().mean().backward()

    # Not before: a build for CUDA without a GPU logs a complaint when it is imported.
    from torch.utils.benchmark import Timer

    timer = Timer("step()", globals={"step": step}, num_threads=torch.get_num_threads())
    timer.timeit(1)
    once = timer.timeit(1).median
    if once > patience:
        return once
    return timer.blocked_autorange(min_run_time=0.1).median


def measure_parity(
    model: Model, batch: FieldBatch, objective: Objective, device: torch.device
) -> Parity:
    """Compare predictions and gradients of one batch in both types; changes nothing."""
    was_training = model.training
    model.eval()
    # `varlen` refuses float32.
    exactly = with_kernel(model, "sdpa") if model.kernel == "varlen" else nullcontext()
    with exactly:
        exact, exact_gradient = _outcome(model, batch, objective, Precision(name="float32"), device)
    rough, rough_gradient = _outcome(model, batch, objective, Precision(name="bfloat16"), device)
    model.train(was_training)
    return Parity(
        prediction=_distance(rough, exact), gradient=_distance(rough_gradient, exact_gradient)
    )


def _outcome(
    model: Model,
    batch: FieldBatch,
    objective: Objective,
    precision: Precision,
    device: torch.device,
) -> tuple[torch.Tensor, torch.Tensor]:
    batch = batch.to(device)
    value = objective(within(model, [precision.within(device)]), batch)
    value.total.backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    model.zero_grad(set_to_none=True)
    return value.prediction.values.detach(), torch.cat(gradients)


def _distance(rough: torch.Tensor, exact: torch.Tensor) -> float:
    return float((rough - exact).norm() / exact.norm())
