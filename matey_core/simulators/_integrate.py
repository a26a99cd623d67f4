"""From initial states to frames, for every simulator."""

import math
from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor

from matey_core.simulators import Simulator


def frames(
    simulator: Simulator, states: Float[Tensor, "b c *space"]
) -> Iterator[Float[Tensor, "b c *space"]]:
    """Yield the states of a batch at every frame, the start first.

    Each interval between two frames is cut into equal steps, the fewest that the
    simulator's stable step allows.

    Args:
        simulator: what to step.
        states: (b, c, *space) initial states; their dtype and device are kept.
    """
    interval = simulator.spec.time_step
    steps = max(1, math.ceil(interval / simulator.stable_step() - 1e-9))
    yield states
    for _ in range(1, simulator.num_frames):
        for _ in range(steps):
            states = simulator.step(states, interval / steps)
        yield states
