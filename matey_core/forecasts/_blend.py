"""How much of a fit goes into a prediction: more where it explains more of the history."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

MOST = (0.25, 0.5, 0.75, 1.0)
"""Largest weights that are tried."""
TOLERATED = (*(10 ** (power / 4) for power in range(-16, 7)), math.inf)
"""Unexplained parts at which the weight is half the largest one, as they are tried."""
GAIN = 0.01
"""Part of the error that a blend must take away to be worth a fit."""
FEWEST = 4
"""Windows from which on a blend is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """Weight of the fit beside the model for a field, most / (1 + (unexplained / tolerated)²)."""

    most: float
    """Weight of a fit that explains all, at most 1."""
    tolerated: float
    """Unexplained part at which half of it is left; infinite for the same weight everywhere."""
    frames: float = 1.0
    """Predicted frames of a rollout that are blended, at least 1; infinite for all of them."""

    def weight(self, unexplained: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Weights between 0 and `most`; 0 where nothing is known of the fit.

        Args:
            unexplained: (b,) root mean square of what a fit leaves of the changes in the history,
                relative to that of the changes.
        """
        weight = self.most / (1 + (unexplained / self.tolerated).square())
        return torch.where(unexplained.isfinite(), weight, 0)


@dataclass(frozen=True, slots=True)
class Blended:
    """One field in windows whose truth is known; mean squares and products over space."""

    error: Float[Tensor, " n"]
    """(n,) of the model's error."""
    product: Float[Tensor, " n"]
    """Of the model's error and the fit's difference to the model."""
    difference: Float[Tensor, " n"]
    """Of the fit's difference to the model."""
    target: Float[Tensor, " n"]
    """Of the truth."""
    unexplained: Float[Tensor, " n"]
    """What the fit leaves of the history's changes."""

    @classmethod
    def joined(cls, parts: Sequence["Blended"]) -> "Blended":
        """The windows of all parts, one after another."""
        return cls(*(torch.cat([getattr(each, name) for each in parts]) for name in cls.__slots__))

    def mean_error(self, blend: Blend | None) -> float:
        """The mean over windows of the nRMSE."""
        weight = torch.zeros_like(self.error) if blend is None else blend.weight(self.unexplained)
        square = self.error + weight * (2 * self.product + weight * self.difference)
        return float((square.clamp(min=0) / self.target).sqrt().mean())

    def best(self) -> Blend | None:
        """The blend with the smallest mean error; None where the model alone is as good."""
        is_usable = self.difference.isfinite() & self.unexplained.isfinite() & (self.target > 0)
        if int(is_usable.sum()) < FEWEST:
            return None
        usable = Blended(*(getattr(self, name)[is_usable] for name in self.__slots__))
        tried = [Blend(most=most, tolerated=bound) for most, bound in product(MOST, TOLERATED)]
        best = min(tried, key=usable.mean_error)
        gain = 1 - usable.mean_error(best) / max(usable.mean_error(None), 1e-300)
        return best if gain >= GAIN else None
