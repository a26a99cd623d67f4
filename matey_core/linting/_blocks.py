"""A store as a stream of blocks: some frames of one field of one sample."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Shaped

from matey_core.errors import MateyError
from matey_core.fields import Field
from matey_core.linting._summary import Summary, summarize
from matey_core.locations import is_remote
from matey_core.store import Store

BLOCK_VALUES = 2**21
"""Values read at a time, 8 MiB in float32; a frame that has more is read whole."""
AHEAD_VALUES = 2**24
"""Values fetched ahead, at most."""
BFLOAT16 = 2.0**-7


@dataclass(frozen=True, kw_only=True)
class FrameBlock:
    """Some frames of one field of one sample."""

    sample: int
    field: Field
    is_static: bool
    """A static field comes as one block of one frame."""
    start: int
    """Index of the first frame."""
    values: Shaped[np.ndarray, "time *space"]
    """In the precision of the store; NaN where a value is missing or a cell is solid."""

    @cached_property
    def precision(self) -> float:
        """Relative distance between two neighboring values of the stored type.

        bfloat16 comes as float32, and shows by the half of the bits that is never used.
        """
        if self.values.dtype == np.float32:
            bits = np.ascontiguousarray(self.values).view(np.uint32)
            if not (bits & 0xFFFF).any():
                return BFLOAT16
        return float(np.finfo(self.values.dtype).eps)

    @cached_property
    def summary(self) -> Summary:
        """Extremes, mean and spread of each frame."""
        return summarize(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A frame of a field that could not be read."""

    sample: int
    field: Field
    frame: int
    error: MateyError


def stream(store: Store, samples: int) -> Iterator[FrameBlock | Unreadable]:
    """Read the first samples of a store once, in the order that `Check.see` promises."""
    for sample in range(samples):
        _announce(store, sample)
        for field in store.spec.fields:
            yield from _frames(store, sample, field, store.num_frames)
        for field in store.static_fields:
            yield from _frames(store, sample, field, 1, is_static=True)


def _announce(store: Store, sample: int) -> None:
    """Have a sample fetched from object storage at once, unless it is too large to be kept."""
    cells = store.num_frames * len(store.spec.fields) * math.prod(store.spec.grid.shape)
    if cells > AHEAD_VALUES or not is_remote(store.path):
        return
    # What cannot be read is told when its turn comes.
    with suppress(MateyError):
        store.announce([(sample, 0, store.num_frames)])


def _frames(
    store: Store, sample: int, field: Field, frames: int, *, is_static: bool = False
) -> Iterator[FrameBlock | Unreadable]:
    cells = math.prod(store.spec.grid.shape)
    step = max(1, min(frames, BLOCK_VALUES // cells))
    for start in range(0, frames, step):
        stop = min(start + step, frames)
        yield from _read(store, sample, field, start, stop, is_static=is_static)


def _read(
    store: Store, sample: int, field: Field, start: int, stop: int, *, is_static: bool
) -> Iterator[FrameBlock | Unreadable]:
    """Read frames; where that fails, each half by itself, down to the frames that are lost."""
    try:
        values = store.read_field(field.name, sample, start, stop)
    except MateyError as error:
        if stop - start == 1:
            yield Unreadable(sample=sample, field=field, frame=start, error=error)
            return
        middle = (start + stop) // 2
        for part in ((start, middle), (middle, stop)):
            yield from _read(store, sample, field, *part, is_static=is_static)
        return
    yield FrameBlock(sample=sample, field=field, is_static=is_static, start=start, values=values)
