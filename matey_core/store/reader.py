"""An open store: what it holds, and any frames of any trajectory."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from matey_core.fields import MASK, SIZE, Field, FieldSpec
from matey_core.locations import is_remote
from matey_core.store import layout
from matey_core.store._chunks import AfterZeros, Chunks, Frames

START = np.array((-1.0, 0.0))
"""Steps from the only frame of a problem without time to those that it is shown with."""


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
    license: str
    """Of the data; empty where it is not known."""
    provenance: dict[str, Any]
    fingerprint: str
    """Short hash of what the store was made from: equal for equal content and split."""
    split: np.ndarray
    """(sample,) 0 for train, 1 for validation, 2 for test."""
    _times: np.ndarray
    _sample_times: np.ndarray | None
    _chunks: tuple[Chunks, ...]
    _static_chunks: tuple[Chunks, ...]
    given: tuple[str, ...] = ()
    """Names of what models are given beside the history; see `giving`."""

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
        """Times of the frames, or of one sample's, in `units["time"]` (empty: not known)."""
        if sample is None or self._sample_times is None:
            return self._times
        return self._sample_times[sample]

    def read(self, sample: int, start: int, stop: int) -> Float[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive) of a trajectory, in float32.

        Values have the units of `spec.fields`; missing values and solid cells are NaN.

        Args:
            sample: index of the trajectory.
            start: index of the first frame.
            stop: index behind the last frame.

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

    def giving(self, names: Iterable[str]) -> "Store":
        """The same store, handing over some of what it knows beside the history.

        A field that changes in time is then a static one, with the values of its first frame. A
        problem without time, of which something is given, has a first frame of zeros.

        Args:
            names: of static or other fields, of parameters, `mask` or `size`; what the store does
                not have is ignored.
        """
        names = tuple(dict.fromkeys(names))
        if not names:
            return self
        fixed = [index for index, name in enumerate(self.spec.names) if name in names]
        moving = [index for index in range(len(self.spec.names)) if index not in fixed]
        if not moving:  # nothing would be left to predict
            fixed, moving = [], list(range(len(self.spec.names)))
        fields, chunks = self.spec.fields, self._chunks
        static = (*self.static_fields, *(fields[index] for index in fixed))
        known = {field.name for field in static} | set(self.parameters)
        has_start = self.num_frames > 1 or not known.intersection(names)
        return replace(
            self,
            spec=replace(self.spec, fields=tuple(fields[index] for index in moving)),
            static_fields=static,
            given=tuple(name for name in names if name in known or name in (MASK, SIZE)),
            _times=self._times if has_start else self._times[0] + self.spec.time_step * START,
            _sample_times=self._sample_times if has_start else None,
            _chunks=tuple(
                chunks[index] if has_start else AfterZeros(chunks[index]) for index in moving
            ),
            _static_chunks=(*self._static_chunks, *(chunks[index] for index in fixed)),
        )

    def reading(self, parameters: Iterable[str]) -> "Store":
        """The same store, handing over these of its parameters as well."""
        more = (name for name in parameters if name in self.parameters)
        return replace(self, given=tuple(dict.fromkeys((*self.given, *more))))

    def read_given(self, sample: int) -> dict[str, Float[np.ndarray, "*space"]]:
        """Read what models are given of a trajectory in float32, without `mask` and `size`.

        Raises:
            DataError: a file of the store is missing or damaged.
        """
        static = {field.name for field in self.static_fields}
        return {
            name: self.read_field(name, sample)[0].astype(np.float32)
            if name in static
            else np.asarray(self.parameters[name][sample], np.float32)
            for name in self.given
            if name in static or name in self.parameters
        }

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

        Args:
            name: of the field.
            sample: index of the trajectory.
            start: index of the first frame.
            stop: index behind the last frame; None for all.

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
