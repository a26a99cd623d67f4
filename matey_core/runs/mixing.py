"""The mixture that a run draws its batches from."""

from collections.abc import Sequence

from matey_core.augmentations import Chain
from matey_core.data import Mixture
from matey_core.distributed import Strategy
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
    )
