"""The learning rate: a linear warm-up, then half a cosine."""

import math
from dataclasses import dataclass

from torch.optim import Optimizer

LOWEST = 0.01
"""Where the warm-up starts and the cosine ends, as a fraction of the peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupCosine:
    """Learning rate as a function of the step alone, so that there is nothing to save.

    From 1 % to 100 % of the peak over `warmup` steps, then on a cosine back to 1 % over
    the remaining ones, and held there.
    """

    peak: float
    warmup: int
    steps: int

    def rate(self, step: int) -> float:
        """Learning rate of the optimizer step that follows `step` others."""
        if step < self.warmup:
            return self.peak * (LOWEST + (1 - LOWEST) * step / self.warmup)
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.peak * (LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * done)) / 2)

    def apply(self, optimizer: Optimizer, step: int) -> float:
        """Set the rate of every group of parameters to its multiple of this one, and return it."""
        rate = self.rate(step)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        return rate
