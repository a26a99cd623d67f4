"""A solution between its solver and its file."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One solution as it goes into a file."""

    seed: int
    parameters: Mapping[str, float]
    values: Float[np.ndarray, "t c *space"]
    static: Float[np.ndarray, "s *space"] | None = None
