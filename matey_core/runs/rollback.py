"""What a training does that has diverged: go back, with half the learning rate."""

import warnings
from collections.abc import Callable

from matey_core.errors import MateyWarning
from matey_core.runs.keeper import Keeper
from matey_core.training import DivergenceError, TrainState


def train_with_rollbacks(train: Callable[[], None], state: TrainState, keeper: Keeper) -> None:
    """Train, and from the last checkpoint again with half the rate where that has diverged.

    Called by all processes, which diverge together.

    Args:
        train: trains from where the state is to the end.
        state: what is trained.
        keeper: has the checkpoints.

    Raises:
        DivergenceError: it did so after the last rollback, or before the first checkpoint.
    """
    while True:
        try:
            train()
        except DivergenceError as error:
            if state.rollbacks >= keeper.config.rollbacks or not keeper.can_go_back():
                raise
            keeper.go_back(state, reason=str(error))
            warnings.warn(
                f"{error} The run goes back to step {state.step}, with "
                f"{state.rate_factor:g} of the learning rate.",
                MateyWarning,
                stacklevel=2,
            )
        else:
            return
