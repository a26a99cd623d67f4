"""What attention sees, and the way back to the grid."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Segments:
    """How sequences of unequal length lie one after another on a packed axis."""

    lengths: tuple[int, ...]

    @cached_property
    def total(self) -> int:
        """Rows of the packed axis."""
        return sum(self.lengths)

    @cached_property
    def equal(self) -> int | None:
        """The common length, or None where lengths differ."""
        return self.lengths[0] if len(set(self.lengths)) == 1 else None

    def repeated(self, times: int) -> "Segments":
        """The same sequences `times` times over, one copy after another."""
        return Segments(self.lengths * times)

    def stretched(self, factor: int) -> "Segments":
        """Every sequence `factor` times as long."""
        return Segments(tuple(length * factor for length in self.lengths))

    def index(self, device: torch.device) -> Int[Tensor, " n"]:
        """(n,) number of the sequence that each row belongs to."""
        lengths = torch.tensor(self.lengths, device=device)
        return torch.repeat_interleave(
            torch.arange(len(self.lengths), device=device), lengths, output_size=self.total
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where each token's cell lies in the unit domain."""

    centre: Float[Tensor, "n a"]
    size: Float[Tensor, "n a"]
    """Side lengths as fractions of the domain."""
    level: Int[Tensor, " n"]
    """0 for the coarsest cells."""
    sample: Int[Tensor, " n"]
    """Index in the batch of the sample that the cell belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """Tokens of all cells, packed sample after sample, with all times of a cell together.

    One set of cells serves all frames of a history, so time is an axis of its own
    and attention in time is aligned by construction.
    """

    values: Float[Tensor, "n t d"]
    places: Places
    segments: Segments
    """One sequence of cells a sample (or, for local passes, a refined cell)."""
    grid: tuple[int, ...] | None = None
    """Cells per axis where each sequence is a whole regular grid in raster order."""

    def with_values(self, values: Float[Tensor, "n t d"]) -> "TokenBatch":
        """Put new values in the same places."""
        return replace(self, values=values)
