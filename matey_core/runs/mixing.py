"""The mixture that a run draws its batches from."""

from collections.abc import Sequence

from matey_core.augmentations import Chain
from matey_core.batches import FieldBatch
from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.errors import ConfigError
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.training import TimeBudget


def mixture_of(
    config: TrainingConfig,
    sources: Sequence[StoreWindows],
    strategy: Strategy,
    budget: TimeBudget | None = None,
) -> Mixture:
    """Mix the training windows of all stores, as this process draws them.

    Args:
        config: says how batches are drawn, changed and compared.
        sources: the stores.
        strategy: the processes.
        budget: the time that the objective grows with; None where it grows with the steps.

    Raises:
        ConfigError: the batch cannot be shared evenly, or the weights do not fit.
        DataError: there are no windows.
    """
    check_batch(config, strategy.place.data_size)

    def targets_by_time(lead: int, step: int) -> Sequence[int]:
        assert budget is not None
        return config.objective.lead_steps(lead, progress=budget.share_at(step))

    return Mixture(
        [source.training for source in sources],
        batch_size=config.batch_size,
        seed=config.seed,
        rank=strategy.place.data_rank,
        world=strategy.place.data_size,
        exponent=config.mix_exponent,
        weights=config.weights,
        augment=Chain([part.build() for part in config.augment]),
        targets=config.targets if budget is None else targets_by_time,
        with_change=config.loss.needs_change,
        by_change=config.draw == "change",
    )


def check_batch(config: TrainingConfig, groups: int) -> None:
    """Refuse a batch that processes cannot share evenly.

    Args:
        config: says how many windows a batch has, and how many micro-batches.
        groups: processes that have whole samples, or groups of those that share them.

    Raises:
        ConfigError: they cannot.
    """
    parts = groups * config.accumulate
    whole = parts * max(1, config.batch_size // parts)
    if config.batch_size % parts == 0:
        return
    who = f"{groups} processes" if config.sequence_parallel == 1 else _groups_of(config, groups)
    pieces = f" in {config.accumulate} micro-batches each" if config.accumulate > 1 else ""
    raise ConfigError(
        f"A batch of {config.batch_size} cannot be shared evenly by {who}{pieces}.",
        remedy=f"Use --batch-size {whole}, or another --nproc.",
    )


def first_micro_batch(mixture: Mixture, config: TrainingConfig) -> FieldBatch:
    """Read what this process computes first in the first step."""
    return next(mixture.batch(0).parts(config.accumulate))


def _groups_of(config: TrainingConfig, groups: int) -> str:
    return f"{groups} groups of {config.sequence_parallel} processes"
