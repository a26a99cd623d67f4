"""What attention sees, and the way back to the grid."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from typing import TypeVar

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from matey_core.sequence_group import SequenceGroup

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Segments:
    """How sequences lie one after another on a packed axis.

    Sequences of one length, such as the lines of a grid, are two numbers, however many they are.
    """

    def __init__(self, lengths: tuple[int, ...]) -> None:
        first = lengths[0] if lengths else None
        self.count = len(lengths)
        """Number of sequences."""
        self.equal = first if all(length == first for length in lengths) else None
        """The common length, or None where lengths differ."""
        self.total = sum(lengths)
        """Rows of the packed axis."""
        self._unequal = () if self.equal is not None else lengths

    @classmethod
    def same(cls, count: int, length: int) -> "Segments":
        """Describe sequences that are all of one length."""
        segments = cls((length,) * min(count, 1))
        segments.count, segments.total = count, count * length
        return segments

    @property
    def lengths(self) -> tuple[int, ...]:
        """Rows of each sequence."""
        return self._unequal if self.equal is None else (self.equal,) * self.count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Segments) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        if self.equal is None:
            return f"Segments({self._unequal})"
        return f"Segments.same({self.count}, {self.equal})"

    def repeated(self, times: int) -> "Segments":
        """The same sequences `times` times over, one copy after another."""
        if self.equal is not None:
            return Segments.same(self.count * times, self.equal)
        return Segments(self._unequal * times)

    def stretched(self, factor: int) -> "Segments":
        """Every sequence `factor` times as long."""
        if self.equal is not None:
            return Segments.same(self.count, self.equal * factor)
        return Segments(tuple(length * factor for length in self._unequal))

    def sizes(self, device: torch.device) -> Int[Tensor, " s"]:
        """(s,) rows of each sequence, on a device."""
        if self.equal is not None:
            return torch.full((self.count,), self.equal, device=device)
        return _sizes(self._unequal, device)

    def index(self, device: torch.device) -> Int[Tensor, " n"]:
        """(n,) number of the sequence that each row belongs to."""
        return torch.repeat_interleave(
            torch.arange(self.count, device=device), self.sizes(device), output_size=self.total
        )

    def _key(self) -> tuple[int, int | None, tuple[int, ...]]:
        return self.count, self.equal, self._unequal


def to_device(values: Shaped[Tensor, "..."], device: torch.device) -> Shaped[Tensor, "..."]:
    """Bring numbers to a device without making anyone wait for it.

    Args:
        values: on the CPU.
        device: where to.
    """
    if device.type != "cpu" and not torch.compiler.is_compiling():  # which cannot trace pinning
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


def remember(prepare: Callable[[Key, torch.device], Made]) -> Callable[[Key, torch.device], Made]:
    """Keep what was last made of lengths for a device: all blocks and many steps have the same."""
    kept = lru_cache(maxsize=8)(prepare)

    @wraps(prepare)
    def prepared(key: Key, device: torch.device) -> Made:
        if torch.compiler.is_compiling():  # what is kept then is the compiled graph
            return prepare(key, device)
        with torch.inference_mode(False):  # what is kept must serve training too
            return kept(key, device)

    return prepared


@remember
def whole_numbers(values: tuple[int, ...], device: torch.device) -> Int[Tensor, " n"]:
    """(n,) whole numbers on a device, which nobody waits for."""
    return to_device(torch.tensor(values, dtype=torch.int64), device)


@remember
def _sizes(lengths: tuple[int, ...], device: torch.device) -> Int[Tensor, " s"]:
    return to_device(torch.tensor(lengths, dtype=torch.int64), device)


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
    per_sample: int | None = None
    """Cells of each sample, one sample after another; None where their numbers may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Whose the cells of every sequence are, where several processes share them."""

    group: SequenceGroup
    parts: tuple[Segments, ...]
    """For each process: how many cells of each sequence it has."""
    by_rank: Int[Tensor, " n"]
    """Packed positions of all cells, process after process."""
    positions: Int[Tensor, " n"]
    """Where each packed cell stands in `by_rank`."""


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
    samples: int
    """Samples of the batch."""
    grid: tuple[int, ...] | None = None
    """Cells per axis where each sequence is a whole regular grid in raster order."""
    shard: Shard | None = None
    """Where other processes have the rest of the cells; `segments` and `grid` are then those
    of all cells, `values` and `places` those of this process' own."""

    def with_values(self, values: Float[Tensor, "n t d"]) -> "TokenBatch":
        """Put new values in the same places."""
        return replace(self, values=values)
