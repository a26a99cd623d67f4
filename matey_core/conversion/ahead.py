"""Frames that lie together in one chunk of a file: read at once, and kept until all are written."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from matey_core.conversion.work import COPIES, portion_of
from matey_core.sources import Source

MOST_KEPT = 256 * 2**20
"""Bytes of frames that are kept."""


def reading_ahead(source: Source, *, memory: int | None) -> Source:
    """Have chunks that go over more frames than a portion read once, and not once a portion.

    Args:
        source: what is read in order, sample by sample.
        memory: bytes that converting it may take, if there is a bound.
    """
    portion, most = portion_of(source), MOST_KEPT
    if memory is not None:
        most = min(most, (memory - COPIES * portion * source.frame_bytes) // 2)
    frames = min(source.frames_together, len(source.header.times), most // source.frame_bytes)
    return ReadAhead(source, frames) if frames > portion else source


class ReadAhead(Source):
    """Reads a source in blocks of frames, and keeps the last one."""

    def __init__(self, source: Source, frames: int) -> None:
        super().__init__(source.path, source.header)
        self._source = source
        self.frames = frames
        """Of a block."""
        self._kept: tuple[tuple[int, int], np.ndarray] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the block when it goes to another process."""
        return {**self.__dict__, "_kept": None}

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the source."""
        return self._source.files

    @property
    def frame_bytes(self) -> int:
        """Bytes that reading one frame of the source takes."""
        return self._source.frame_bytes

    @property
    def kept_bytes(self) -> int:
        """Bytes of a block."""
        return self.frames * self.frame_bytes

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive)."""
        taken = range(len(self.header.times))[start:stop]
        if not taken:
            return self._source.read(sample, start, stop)
        parts = []
        for block in range(taken.start // self.frames, (taken.stop - 1) // self.frames + 1):
            first = block * self.frames
            values = self._block(sample, block)
            parts.append(values[max(0, taken.start - first) : taken.stop - first])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        return self._source.read_static(sample)

    def _block(self, sample: int, block: int) -> Shaped[np.ndarray, "time c *space"]:
        kept = self._kept
        if kept is None or kept[0] != (sample, block):
            self._kept = None  # two blocks are never in memory
            first = block * self.frames
            values = self._source.read(sample, first, first + self.frames)
            kept = ((sample, block), values)
            self._kept = kept
        return kept[1]
