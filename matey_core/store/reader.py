"""Opening stores: what they hold, and any frames of any trajectory."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from jaxtyping import Float

from matey_core.errors import DataError
from matey_core.fields import BOUNDARIES, Field, FieldSpec, Grid
from matey_core.store import layout
from matey_core.store._chunks import Chunks


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
    provenance: dict[str, Any]
    fingerprint: str
    """Short hash of what the store was made from: equal for equal content and split."""
    split: np.ndarray
    """(sample,) 0 for train, 1 for validation, 2 for test."""
    _times: np.ndarray
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

    def times(self) -> np.ndarray:
        """(time,) times of the frames."""
        return self._times

    def read(self, sample: int, start: int, stop: int) -> Float[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive) of a trajectory, in float32.

        Raises:
            DataError: a chunk of the store is missing.
        """
        if not (0 <= sample < self.num_samples and 0 <= start < stop <= self.num_frames):
            raise IndexError(
                f"{self.name}: sample {sample}, frames {start} to {stop} of "
                f"{self.num_samples} samples with {self.num_frames} frames."
            )
        values = np.empty((stop - start, len(self._chunks), *self.spec.grid.shape), np.float32)
        for channel, chunks in enumerate(self._chunks):
            values[:, channel] = chunks.read(sample, start, stop)
        return values

    def read_static(self, sample: int) -> Float[np.ndarray, "c *space"]:
        """Read the static fields of a trajectory, in float32."""
        values = np.empty((len(self._static_chunks), *self.spec.grid.shape), np.float32)
        for channel, chunks in enumerate(self._static_chunks):
            values[channel] = chunks.read(sample, 0, 1)[0]
        return values


def find_stores(folder: Path) -> list[Path]:
    """List complete stores: `folder` itself, those in it, and those in its `zarr` folder."""
    if folder.suffix == layout.SUFFIX:
        return [folder]
    found = [*folder.glob("*" + layout.SUFFIX), *(folder / "zarr").glob("*" + layout.SUFFIX)]
    return sorted(path for path in found if (path / "zarr.json").is_file())


def open_store(path: Path) -> Store:
    """Open a store and read its metadata.

    Raises:
        DataError: there is no store, or it is damaged or of an unknown layout.
    """
    try:
        group = zarr.open_group(path, mode="r")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} is not a Zarr store.", remedy="Make one with `matey prepare`."
        ) from error
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
        provenance=provenance,
        fingerprint=_fingerprint(provenance),
        split=_values(group, "split"),
        _times=_values(group, "time"),
        _chunks=chunks,
        _static_chunks=tuple(_chunks(group, path, field, has_time=False) for field in static),
    )


def _chunks(group: zarr.Group, path: Path, field: Field, *, has_time: bool) -> Chunks:
    if not field.name.isidentifier():
        raise ValueError(f"{field.name!r} is no name of a field")
    return Chunks.of(_array(group, field.name), path / field.name, has_time=has_time)


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
    unlike = ("versions", "path", "source")
    content = {key: value for key, value in provenance.items() if key not in unlike}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
