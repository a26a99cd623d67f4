"""Which device and which arithmetic a run uses, agreed on by all its processes."""

import json
from collections.abc import Callable
from typing import Literal

import torch

from matey_core.batches import FieldBatch
from matey_core.distributed import Strategy, join, place_of_this_process
from matey_core.errors import ConfigError
from matey_core.models import Model
from matey_core.objectives import Objective
from matey_core.training import Parity, Precision, choose_precision, measure_parity
from matey_core.training.precision import LARGEST_ERROR, LARGEST_GRADIENT_ERROR

Wish = Literal["auto", "float32", "bfloat16"]


def join_processes(device: Literal["auto", "cpu", "cuda"]) -> Strategy:
    """Join the processes this one was started with, on the device asked for.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device is cuda, but PyTorch sees no CUDA device.",
            remedy="Use --device cpu, or install a PyTorch that was built for your GPU.",
        )
    return join(torch.device("cpu") if device == "cpu" else None)


def num_processes(device: Literal["auto", "cpu", "cuda"], batch_size: int) -> int:
    """How many processes a command should start by itself: one a GPU, otherwise one.

    A batch is shared evenly, so some GPUs stay idle where their number does not divide it.
    """
    if place_of_this_process().size > 1 or device == "cpu":
        return 1
    gpus = torch.cuda.device_count()
    return max((count for count in range(1, gpus + 1) if batch_size % count == 0), default=1)


def agree_on_precision(
    wish: Wish,
    model: Model,
    first_batch: Callable[[], FieldBatch],
    objective: Objective,
    strategy: Strategy,
) -> tuple[Precision, Parity | None]:
    """Choose once, in the first process, and tell the others.

    Args:
        wish: the setting.
        model: on the strategy's device; unchanged afterwards.
        first_batch: reads a batch to compare both types on, where that is needed.
        objective: whose gradients are compared.
        strategy: the processes.
    """
    if not strategy.place.is_first:
        name, reason, parity = json.loads(strategy.share(""))
        return Precision(name=name, reason=reason), Parity(**parity) if parity else None
    precision, comparison = _choose(wish, model, first_batch, objective, strategy.device)
    numbers = comparison and {
        "prediction": comparison.prediction,
        "gradient": comparison.gradient,
    }
    strategy.share(json.dumps([precision.name, precision.reason, numbers]))
    return precision, comparison


def _choose(
    wish: Wish,
    model: Model,
    first_batch: Callable[[], FieldBatch],
    objective: Objective,
    device: torch.device,
) -> tuple[Precision, Parity | None]:
    if wish == "float32":
        return Precision(name="float32", reason="as set"), None
    precision = Precision(name="bfloat16", reason="as set")
    if wish == "auto":
        precision = choose_precision(model, device)
    if precision.name == "float32":
        return precision, None
    parity = measure_parity(model, first_batch(), objective, device)
    if wish == "auto" and not parity.is_good:
        reason = (
            f"bfloat16 is further from float32 than {LARGEST_ERROR:.0%} in predictions or "
            f"{LARGEST_GRADIENT_ERROR:.0%} in gradients"
        )
        return Precision(name="float32", reason=reason), parity
    return precision, parity
