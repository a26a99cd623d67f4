"""Where the frames that are inspected come from: a store, or a source file as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from matey_core.errors import DataError
from matey_core.fields import Field, FieldSpec
from matey_core.readers import READERS, Source
from matey_core.reports.axes import Axis, axes_of
from matey_core.runs.sources import readable
from matey_core.store import SUFFIX, Store, find_stores

Read = Callable[[int, int, int], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSource:
    """Trajectories to look at, whatever they are stored in."""

    path: Path
    spec: FieldSpec
    fields: tuple[str, ...]
    """The fields of a model's input; the static ones where nothing changes in time."""
    axes: tuple[Axis, ...]
    """Of space."""
    units: dict[str, str]
    """By field."""
    times: np.ndarray
    """(time,) times of the frames."""
    sample_names: tuple[str, ...]
    preferred: tuple[int, ...]
    """Samples of the test split, or all where there is none."""
    _read: Read

    def read(self, sample: int, start: int, stop: int) -> Float[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in float32.

        Raises:
            DataError: the frames cannot be read or are infinite; NaN is what is missing.
        """
        values = np.asarray(self._read(sample, start, stop), dtype=np.float32)
        if np.isinf(values).any():
            raise DataError(
                f"{self.path}: sample {sample} has infinite values in frames "
                f"{start} to {stop - 1}.",
                remedy="Look at another --sample or --time.",
            )
        return values


def open_frames(source: Path, *, data: Path) -> FrameSource:
    """Open a store, a source file, a folder with stores, or a store of `data` by its name.

    Raises:
        DataError: there is no such thing, or it is damaged.
    """
    if source.is_file():
        return _of_source(READERS["auto"]().open(source))
    for place in (source, data / "zarr" / f"{source.name.removesuffix(SUFFIX)}{SUFFIX}"):
        if place.is_dir():
            stores = find_stores(place)
            if not stores:
                raise DataError(f"{place} holds no store.", remedy="Make one with `matey prepare`.")
            return of_store(readable(stores)[0])
    raise DataError(
        f"{source} does not exist, and {data} has no store of that name.",
        remedy="Name a store, a source file, or a folder with stores.",
    )


def first_store(folder: Path) -> FrameSource:
    """Open the first readable store below `folder`, one that changes in time if there is one.

    Warns:
        MateyWarning: a store is left out, because it cannot be read.

    Raises:
        DataError: there is none.
    """
    stores = readable(find_stores(folder))
    if not stores:
        raise DataError(
            f"{folder} holds no store.",
            remedy="Make one with `matey prepare`, or name a store or a source file.",
        )
    return of_store(min(stores, key=lambda store: store.is_static))


def of_store(store: Store) -> FrameSource:
    """Look at a store."""
    moving = bool(store.spec.fields)
    return FrameSource(
        path=store.path,
        spec=store.spec,
        fields=_names(store.spec.fields or store.static_fields),
        axes=axes_of(store.spec.grid.axes, store.coordinates, store.units),
        units=_units(store.spec.fields or store.static_fields),
        times=store.times() if moving else np.zeros(1),
        sample_names=store.sample_names,
        preferred=store.samples("test") or tuple(range(store.num_samples)),
        _read=store.read if moving else _still(store.read_static),
    )


def _of_source(source: Source) -> FrameSource:
    header = source.header
    moving = bool(header.spec.fields)
    return FrameSource(
        path=source.path,
        spec=header.spec,
        fields=_names(header.spec.fields or header.static_fields),
        axes=axes_of(header.spec.grid.axes, header.coordinates, header.units),
        units=_units(header.spec.fields or header.static_fields),
        times=header.times if moving else np.zeros(1),
        sample_names=header.sample_names,
        preferred=tuple(range(len(header.sample_names))),
        _read=source.read if moving else _still(source.read_static),
    )


def _names(fields: tuple[Field, ...]) -> tuple[str, ...]:
    return tuple(field.name for field in fields)


def _units(fields: tuple[Field, ...]) -> dict[str, str]:
    return {field.name: field.unit for field in fields}


def _still(read: Callable[[int], np.ndarray]) -> Read:
    """Show static fields as a trajectory of one frame."""
    return lambda sample, start, stop: read(sample)[None]
