"""Equations whose solution is known at any time."""

import math
from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor

from matey_core.simulators import Batch, Simulator


class ExactSimulator(Simulator):
    """A solver whose steps are exact, however long."""

    can_compile = False

    def stable_step(self, states: Float[Tensor, "b k *points"], batch: Batch) -> float:
        """Any step is exact."""
        return math.inf

    def frames(self, batch: Batch) -> Iterator[Float[Tensor, "b k *points"]]:
        """Yield each frame from the start, so that no rounding adds up."""
        for time in self.times.tolist():
            yield self.step(batch.states, time, batch)
