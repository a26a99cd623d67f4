"""Problems without time: their inputs in frame 0, inputs and solution in frame 1."""

import math
from typing import Literal

from jaxtyping import Float
from pydantic import PositiveFloat
from torch import Tensor

from matey_core.simulators import Batch, Simulator, SimulatorConfig


class StaticConfig(SimulatorConfig):
    """Settings of a problem without time."""

    frames: Literal[2] = 2
    """The inputs beside a solution of zero, then the inputs beside the solution."""
    interval: PositiveFloat = 1.0
    """Lead time between the two frames; it has no meaning in the equation."""


class StaticSimulator(Simulator):
    """A problem whose one step, however long, is its solution."""

    can_compile = False

    def stable_step(self, states: Float[Tensor, "b k *points"], batch: Batch) -> float:
        """Any step: it solves."""
        return math.inf
