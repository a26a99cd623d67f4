"""What lies together in one chunk of a file: read at once, and kept until all is written."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from matey_core.conversion.work import COPIES, portion_of
from matey_core.sources import Source

MOST_KEPT = 256 * 2**20
"""Bytes of frames that are kept."""


def reading_ahead(source: Source, *, memory: int | None) -> Source:
    """Have chunks that go over samples, or more frames than a portion, read once.

    Chunks that go over samples are read once where all frames of these samples can be kept.

    Args:
        source: what is read in order, sample by sample.
        memory: bytes that converting it may take, if there is a bound.
    """
    portion, most = portion_of(source), MOST_KEPT
    if memory is not None:
        most = min(most, (memory - COPIES * portion * source.frame_bytes) // 2)
    samples, frames = source.samples_together, len(source.header.times)
    if 1 < samples <= most // (frames * source.frame_bytes):
        return ReadAhead(source, frames, samples)
    frames = min(source.frames_together, frames, most // source.frame_bytes)
    return ReadAhead(source, frames) if frames > portion else source


class ReadAhead(Source):
    """Reads a source in blocks of samples and frames, and keeps the last one."""

    def __init__(self, source: Source, frames: int, samples: int = 1) -> None:
        super().__init__(source.path, source.header)
        self._source = source
        self.frames_together = frames
        self.samples_together = samples
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
        return self.samples_together * self.frames_together * self.frame_bytes

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive)."""
        taken = range(len(self.header.times))[start:stop]
        if not taken:
            return self._source.read(sample, start, stop)
        parts, frames = [], self.frames_together
        for block in range(taken.start // frames, (taken.stop - 1) // frames + 1):
            first = block * frames
            values = self._block(sample, block)
            parts.append(values[max(0, taken.start - first) : taken.stop - first])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        return self._source.read_static(sample)

    def _block(self, sample: int, block: int) -> Shaped[np.ndarray, "time c *space"]:
        kept = self._kept
        group, inner = divmod(sample, self.samples_together)
        if kept is None or kept[0] != (group, block):
            self._kept = None  # two blocks are never in memory
            first = block * self.frames_together
            kept = ((group, block), self._read(group, first, first + self.frames_together))
            self._kept = kept
        return kept[1][inner]

    def _read(
        self, group: int, start: int, stop: int
    ) -> Shaped[np.ndarray, "sample time c *space"]:
        if self.samples_together == 1:
            return self._source.read(group, start, stop)[None]
        first = group * self.samples_together
        last = min(first + self.samples_together, len(self.header.sample_names))
        return self._source.read_samples(range(first, last), start, stop)
