"""float32, or bfloat16 where a training step is faster with it on this machine."""

import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

from matey_core.batches import FieldBatch
from matey_core.distributed import whole
from matey_core.models import Model, with_kernel
from matey_core.objectives import Objective, Setting, within

SPEED_UP = 1.1
"""bfloat16 is taken where it makes a training step this much faster."""
ROUNDS = 3
"""Steps that are timed in each type, after one that is not."""
PATIENCE = 4.0
"""bfloat16 is timed once where it is this many times slower."""
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

    @contextmanager
    def training(self, device: torch.device) -> Iterator[None]:
        """Let a GPU that trains in float32 round the factors of matrix products to TF32."""
        if device.type != "cuda" or self.name != "float32":
            yield
            return
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


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


def choose_precision(
    model: Model,
    batch: FieldBatch,
    objective: Objective,
    device: torch.device,
    *,
    patience: float = PATIENCE,
) -> Precision:
    """Take what a training step is faster in; changes nothing.

    GPUs with bfloat16 are faster with it. On a CPU, steps without an update are timed in turns, in
    CPU seconds, so that other programs do not decide.

    Args:
        model: on the device.
        batch: with targets.
        objective: is computed, with its gradient.
        device: where to compute.
        patience: how many times slower bfloat16 may be before it is timed no more: processors
            without bfloat16 units can be hundreds of times slower.
    """
    if device.type == "cuda":
        has_units = torch.cuda.is_bf16_supported(including_emulation=False)
        reason = f"this GPU has {'' if has_units else 'no '}bfloat16 units"
        return Precision(name="bfloat16" if has_units else "float32", reason=reason)
    was_training = model.training
    model.eval()
    pair = (Precision(name="float32"), Precision(name="bfloat16"))
    with torch.random.fork_rng(devices=[]):
        times = [[_seconds(model, batch, objective, each, device)] for each in pair]
        if times[1][0] <= patience * times[0][0]:  # otherwise the first steps say enough
            times = [[], []]
            for _ in range(ROUNDS):
                for each, seconds in zip(pair, times, strict=True):
                    seconds.append(_seconds(model, batch, objective, each, device))
    model.train(was_training)
    exact, rough = (statistics.median(each) for each in times)
    gain = exact / rough
    reason = f"a training step is {gain:.2f} times as fast in bfloat16"
    return Precision(name="bfloat16" if gain >= SPEED_UP else "float32", reason=reason)


def _seconds(
    model: Model,
    batch: FieldBatch,
    objective: Objective,
    precision: Precision,
    device: torch.device,
) -> float:
    """CPU seconds of a loss and its gradient."""
    began = time.process_time()
    _outcome(model, batch, objective, precision, device)
    return time.process_time() - began


def measure_parity(
    model: Model, batch: FieldBatch, objective: Objective, device: torch.device
) -> Parity:
    """Compare predictions and gradients of one batch in both types; changes nothing.

    Args:
        model: lies on the device.
        batch: is brought there.
        objective: makes the loss of a batch.
        device: where both are computed.
    """
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
    gradients = [whole(p.grad).flatten() for p in model.parameters() if p.grad is not None]
    model.zero_grad(set_to_none=True)
    return value.prediction.values.detach(), torch.cat(gradients)


def _distance(rough: torch.Tensor, exact: torch.Tensor) -> float:
    return float((rough - exact).norm() / exact.norm())
