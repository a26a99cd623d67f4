"""Opening stores: what they hold, and any frames of any trajectory."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from jaxtyping import Float, Shaped

from matey_core.errors import DataError
from matey_core.fields import BOUNDARIES, Field, FieldSpec, Grid
from matey_core.locations import is_remote
from matey_core.store import layout
from matey_core.store._chunks import Chunks, Frames, chunks_of


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


def find_stores(folder: Path) -> list[Path]:
    """List complete stores: `folder` itself, those in it, and those in its `zarr` folder.

    Raises:
        DataError: object storage does not answer.
    """
    if folder.suffix == layout.SUFFIX:
        return [folder]
    if is_remote(folder):
        return _remote_stores(folder)
    found = [*folder.glob("*" + layout.SUFFIX), *(folder / "zarr").glob("*" + layout.SUFFIX)]
    return sorted(path for path in found if (path / "zarr.json").is_file())


def _remote_stores(folder: Any) -> list[Path]:
    try:
        folder.fs.invalidate_cache()
        parts = [part for part in (folder, folder / "zarr") if part.is_dir()]
        found = [path for part in parts for path in part.iterdir() if path.suffix == layout.SUFFIX]
        return sorted((path for path in found if (path / "zarr.json").is_file()), key=str)
    except Exception as error:
        # Packages for object storage raise errors of their own, of many kinds.
        raise DataError(f"{folder} cannot be read: {error}.") from error


def open_store(path: Path) -> Store:
    """Open a store and read its metadata.

    Args:
        path: a folder, or a place in object storage.

    Raises:
        DataError: there is no store, or it is damaged or of an unknown layout.
    """
    try:
        group = open_group(path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} is not a Zarr store.", remedy="Make one with `matey prepare`."
        ) from error
    except Exception as error:
        if not is_remote(path):
            raise
        raise DataError(f"{path} cannot be read: {error}.") from error
    found = group.attrs.get("matey_layout")
    if found != layout.LAYOUT:
        raise DataError(
            f"{path} has matey_layout {found!r}; this version reads {layout.LAYOUT}.",
            remedy="Convert the source again with `matey prepare --overwrite`.",
        )
    try:
        return _read(group, path)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is damaged: {type(error).__name__} {error}.",
            remedy="Convert the source again with `matey prepare --overwrite`.",
        ) from error


def open_group(path: Path) -> zarr.Group:
    """Open a Zarr group for reading, on this machine or in object storage."""
    if not is_remote(path):
        return zarr.open_group(path, mode="r")
    from zarr.storage import FsspecStore

    options = dict(path.storage_options)  # type: ignore[attr-defined]
    return zarr.open_group(FsspecStore.from_url(str(path), options, read_only=True), mode="r")


def _read(group: zarr.Group, path: Path) -> Store:
    attributes: dict[str, Any] = group.attrs.asdict()
    described = attributes["fields"]
    moving = [layout.field_of(d) for d in described if not d["static"]]
    static = [layout.field_of(d) for d in described if d["static"]]
    axes = tuple(attributes["axes"])
    chunks = tuple(_chunks(group, path, field, has_time=True) for field in moving)
    prefix = layout.PARAMETER
    provenance = attributes["provenance"]
    return Store(
        path=path,
        spec=FieldSpec(
            fields=tuple(moving),
            grid=Grid(
                axes=axes,
                shape=chunks[0].space,
                spacing=tuple(attributes["spacing"]),
                boundary=tuple(_boundary(attributes["boundary"][axis]) for axis in axes),
                directed=tuple(attributes.get("directed", ())),
            ),
            time_step=attributes["time_step"],
            dataset=path.stem,
        ),
        static_fields=tuple(static),
        statistics={d["name"]: d["statistics"] for d in described},
        sample_names=tuple(str(name) for name in _values(group, "sample")),
        parameters={
            key.removeprefix(prefix): _values(group, key)
            for key in sorted(group.array_keys())
            if key.startswith(prefix)
        },
        coordinates={axis: _values(group, axis) for axis in axes},
        units={str(axis): str(unit) for axis, unit in attributes.get("units", {}).items()},
        conserved=tuple(attributes.get("conserved", ())),
        missing={d["name"]: int(d.get("missing", 0)) for d in described},
        provenance=provenance,
        fingerprint=_fingerprint(provenance),
        split=_values(group, "split"),
        _times=_values(group, "time"),
        _sample_times=(_values(group, layout.SAMPLE_TIME) if layout.SAMPLE_TIME in group else None),
        _chunks=chunks,
        _static_chunks=tuple(_chunks(group, path, field, has_time=False) for field in static),
    )


def _chunks(group: zarr.Group, path: Path, field: Field, *, has_time: bool) -> Chunks:
    if not field.name.isidentifier():
        raise ValueError(f"{field.name!r} is no name of a field")
    return chunks_of(_array(group, field.name), path / field.name, has_time=has_time)


def _array(group: zarr.Group, name: str) -> "zarr.Array[Any]":
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise TypeError(f"{name!r} is no array")
    return array


def _values(group: zarr.Group, name: str) -> np.ndarray:
    return np.asarray(_array(group, name)[:])


def _boundary(name: str) -> Any:
    if name not in BOUNDARIES:
        raise ValueError(f"{name!r} is no boundary")
    return name


def _fingerprint(provenance: dict[str, Any]) -> str:
    unlike = ("versions", "path", "source", "mtime_ns")
    content = {key: value for key, value in provenance.items() if key not in unlike}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
