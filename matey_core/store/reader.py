"""An open store: what it holds, and any frames of any trajectory."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from matey_core.fields import Field, FieldSpec
from matey_core.locations import is_remote
from matey_core.store import layout
from matey_core.store._chunks import Chunks, Frames


@dataclass(frozen=True, kw_only=True)
class Store:
    """The trajectories of one source, split, with all that is known of them."""

    path: Path
    spec: FieldSpec
    """The fields that change in time, in the order of the channel axis `c`."""
    static_fields: tuple[Field, ...]
    """Fields with one value for all times; `read_static` gives them."""
    statistics: dict[str, dict[str, float]]
    """Field name -> min, max, mean and std over the training trajectories."""
    sample_names: tuple[str, ...]
    parameters: dict[str, np.ndarray]
    """Name -> (sample,) constants of the equation."""
    coordinates: dict[str, np.ndarray]
    units: dict[str, str]
    """Name of an axis, or `time` -> its unit; empty where there is none."""
    conserved: tuple[str, ...]
    """Names of fields whose sum over space does not change in time."""
    missing: dict[str, int]
    """Field name -> how many of its values are NaN, in all samples: missing, or solid."""
    provenance: dict[str, Any]
    fingerprint: str
    """Short hash of what the store was made from: equal for equal content and split."""
    split: np.ndarray
    """(sample,) 0 for train, 1 for validation, 2 for test."""
    _times: np.ndarray
    _sample_times: np.ndarray | None
    _chunks: tuple[Chunks, ...]
    _static_chunks: tuple[Chunks, ...]

    @property
    def name(self) -> str:
        """Name of the store, without `.zarr`."""
        return self.spec.dataset

    @property
    def num_frames(self) -> int:
        """Frames of every trajectory."""
        return len(self._times)

    @property
    def num_samples(self) -> int:
        """Trajectories of all splits together."""
        return len(self.sample_names)

    @property
    def is_static(self) -> bool:
        """Whether there is one frame only, so that nothing can be predicted."""
        return self.num_frames < 2

    def samples(self, split: str) -> tuple[int, ...]:
        """Indices of the trajectories of a split: `train`, `validation` or `test`."""
        return tuple(np.flatnonzero(self.split == layout.SPLITS.index(split)).tolist())

    @property
    def directed(self) -> tuple[str, ...]:
        """Names of axes along which mirroring changes the physics, as gravity does."""
        return self.spec.grid.directed

    def times(self, sample: int | None = None) -> Float[np.ndarray, "time"]:
        """Times of the frames, or of those of one sample, where samples differ."""
        if sample is None or self._sample_times is None:
            return self._times
        return self._sample_times[sample]

    def read(self, sample: int, start: int, stop: int) -> Float[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive) of a trajectory, in float32.

        Missing values and solid cells are NaN.

        Raises:
            DataError: a file of the store is missing or damaged.
        """
        self._check(sample, start, stop)
        self.announce([(sample, start, stop)])
        shape = (stop - start, len(self._chunks), *self.spec.grid.shape)
        values = np.empty(shape, np.float32)
        self.read_into(values, sample, start, stop)
        return values

    def read_into(
        self, out: Float[np.ndarray, "time c *space"], sample: int, start: int, stop: int
    ) -> None:
        """Read frames as `read` does, into an array that is there already.

        Several reads are faster if they are announced before.

        Args:
            out: (stop − start, c, *space) float32, such as a part of a batch.
            sample: index of the trajectory.
            start: first frame.
            stop: frame behind the last.

        Raises:
            DataError: a file of the store is missing or damaged.
        """
        self._check(sample, start, stop)
        frames = Frames(sample, start, stop)
        for channel, chunks in enumerate(self._chunks):
            chunks.read_into(out[:, channel], frames)

    def _check(self, sample: int, start: int, stop: int) -> None:
        if not (0 <= sample < self.num_samples and 0 <= start < stop <= self.num_frames):
            raise IndexError(
                f"{self.name}: sample {sample}, frames {start} to {stop} of "
                f"{self.num_samples} samples with {self.num_frames} frames."
            )

    def announce(self, wanted: Sequence[tuple[int, int, int]]) -> None:
        """Say what will be read next: it is then fetched all at once, not one after another.

        Args:
            wanted: (sample, start, stop) of each `read_into` to come.

        Raises:
            DataError: a file of the store is missing or damaged.
        """
        frames = [Frames(*part) for part in wanted]
        if not is_remote(self.path):
            for chunks in self._chunks:
                chunks.announce(frames)
            return
        with ThreadPoolExecutor(len(self._chunks)) as pool:
            list(pool.map(lambda chunks: chunks.announce(frames), self._chunks))

    def read_field(
        self, name: str, sample: int, start: int = 0, stop: int | None = None
    ) -> Shaped[np.ndarray, "time *space"]:
        """Read frames of one field in the precision of the store; a static field has one.

        Raises:
            DataError: a file of the store is missing or damaged.
        """
        static = [field.name for field in self.static_fields]
        if name in static:
            return self._static_chunks[static.index(name)].read(sample, 0, 1)
        chunks = self._chunks[self.spec.names.index(name)]
        return chunks.read(sample, start, self.num_frames if stop is None else stop)

    def read_static(self, sample: int) -> Float[np.ndarray, "c *space"]:
        """Read the static fields of a trajectory, in float32."""
        values = np.empty((len(self._static_chunks), *self.spec.grid.shape), np.float32)
        for channel, chunks in enumerate(self._static_chunks):
            chunks.read_into(values[channel : channel + 1], Frames(sample, 0, 1))
        return values
