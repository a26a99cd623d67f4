"""Device and arithmetic of a run, on which all its processes agree."""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Literal

import torch

from matey_core.batches import FieldBatch
from matey_core.distributed import Strategy, StrategyConfig, is_one_of_a_group, join
from matey_core.errors import ConfigError
from matey_core.models import Model, adaptive
from matey_core.objectives import Objective
from matey_core.runs.settings import TrainingConfig
from matey_core.training import Parity, Precision, choose_precision, measure_parity
from matey_core.training.precision import LARGEST_ERROR, LARGEST_GRADIENT_ERROR, PATIENCE

_LOG = logging.getLogger("matey.training")

Requested = Literal["auto", "float32", "bfloat16"]


def join_processes(
    device: Literal["auto", "cpu", "cuda"],
    *,
    sequence_parallel: int = 1,
    strategy: StrategyConfig | None = None,
) -> Strategy:
    """Join the processes that this one was started with, on the requested device.

    Args:
        device: where to compute.
        sequence_parallel: number of processes that share every sample.
        strategy: how training is spread over them; by default their number decides.

    Raises:
        ConfigError: the requested GPU does not exist, or the processes do not make up whole
            groups.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device is cuda, but PyTorch sees no CUDA device.",
            remedy="Use --device cpu, or install a PyTorch that was built for your GPU.",
        )
    chosen = torch.device("cpu") if device == "cpu" else None
    return join(chosen, sequence_size=sequence_parallel, strategy=strategy)


def num_processes(
    device: Literal["auto", "cpu", "cuda"],
    batch_size: int,
    *,
    sequence_parallel: int = 1,
    strategy: StrategyConfig | None = None,
) -> int:
    """Number of processes that a command should start by itself.

    It is one for every GPU, and without GPUs as many as share a sample. It is one if the strategy
    works alone. A batch is shared evenly, so some GPUs stay idle if their number does not divide
    it.
    """
    if is_one_of_a_group() or (strategy is not None and strategy.is_alone):
        return 1
    gpus = 0 if device == "cpu" else torch.cuda.device_count()
    groups = range(1, gpus // sequence_parallel + 1)
    return sequence_parallel * max((n for n in groups if batch_size % n == 0), default=1)


def place_model(model: Model, config: TrainingConfig, strategy: Strategy) -> None:
    """Prepare a model for training steps in these processes.

    Args:
        model: on the CPU; every process ends up with the first one's weights.
        config: says what is computed again, and how many processes share a sample.
        strategy: the processes.

    Raises:
        ConfigError: the model cannot share samples, and shall.
    """
    strategy.prepare(model)
    model.recompute = config.recompute
    if strategy.sequence is not None:
        adaptive(model, what="sequence_parallel").share_samples(strategy.sequence)


def agree_on_faster(
    requested: Requested,
    model: Model,
    first_batch: Callable[[], FieldBatch],
    objective: Objective,
    strategy: Strategy,
) -> Precision:
    """Time a step in both types in the first process, and send its choice to the others.

    Args:
        requested: the setting.
        model: on the strategy's device; unchanged afterwards.
        first_batch: reads a batch that steps are timed on, if that is needed.
        objective: whose loss and gradient are computed.
        strategy: the processes.
    """
    chosen = Precision(name=requested, reason="as set") if requested != "auto" else None
    if chosen is None and strategy.computes_for_first:  # together they have what one does not hold
        together = strategy.sequence is not None or strategy.is_sharded
        patience = math.inf if together else PATIENCE  # all take as many steps
        chosen = choose_precision(
            model, first_batch(), objective, strategy.device, patience=patience
        )
    return Precision(**strategy.broadcast(asdict(chosen) if chosen else None))


def agree_on_precision(
    requested: Requested,
    model: Model,
    first_batch: Callable[[], FieldBatch],
    objective: Objective,
    strategy: Strategy,
) -> tuple[Precision, Parity | None]:
    """Choose the precision, and compare bfloat16 with float32 on a batch.

    Args:
        requested: the setting.
        model: on the strategy's device; unchanged afterwards.
        first_batch: reads a batch on which both types are compared, if that is needed.
        objective: whose predictions and gradients are compared.
        strategy: the processes.
    """
    precision = agree_on_faster(requested, model, first_batch, objective, strategy)
    _LOG.info("precision %s: %s", precision.name, precision.reason)
    if precision.name == "float32":
        return precision, None
    measured = None
    if strategy.computes_for_first:
        measured = measure_parity(model, first_batch(), objective, strategy.device)
    parity = Parity(**strategy.broadcast(asdict(measured) if measured else None))
    if requested == "auto" and not parity.is_good:
        reason = (
            f"bfloat16 is further from float32 than {LARGEST_ERROR:.0%} in predictions or "
            f"{LARGEST_GRADIENT_ERROR:.0%} in gradients"
        )
        _LOG.info("precision float32: %s", reason)
        return Precision(name="float32", reason=reason), parity
    return precision, parity
