"""Opening stores: where they lie, and what their metadata say."""

import hashlib
import json
import logging
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from matey_core.errors import DataError, MateyWarning
from matey_core.fields import BOUNDARIES, Field, FieldSpec, Grid
from matey_core.files import read_json
from matey_core.locations import is_remote, location
from matey_core.store import layout
from matey_core.store._chunks import Chunks, ZarrChunks, chunks_of
from matey_core.store.group import StoreGroup
from matey_core.store.reader import Store

LAYOUT = "matey_layout"
"""The attribute that every store has."""
_LOG = logging.getLogger("matey.store")

STATISTICS = ("min", "max", "mean", "std")
"""Of the training trajectories, field by field."""
DAMAGE = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What reading metadata ends with that are not what they should be, such as a size of infinity."""


def find_stores(folder: Path | str) -> list[Path]:
    """List complete stores: `folder` itself, those in it, and those in its `zarr` folder.

    Args:
        folder: a path or a URL.

    Raises:
        DataError: object storage does not answer.
    """
    folder = _as_path(folder)
    if folder.suffix == layout.SUFFIX:
        return [folder]  # what it is, is said when it is opened
    if is_remote(folder):
        return _remote_stores(folder)
    found = [*folder.glob("*" + layout.SUFFIX), *(folder / "zarr").glob("*" + layout.SUFFIX)]
    return sorted(path for path in found if (path / "zarr.json").is_file() and not is_foreign(path))


def is_foreign(path: Path) -> bool:
    """Whether a folder is a Zarr 3 array or group of another program; a damaged one is not."""
    try:
        described = read_json(path / "zarr.json")
        return "node_type" in described and LAYOUT not in described.get("attributes", {})
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def _as_path(place: Path | str) -> Path:
    return location(place) if isinstance(place, str) else place


def _remote_stores(folder: Any) -> list[Path]:
    try:
        folder.fs.invalidate_cache()
        parts = [part for part in (folder, folder / "zarr") if part.is_dir()]
        found = [path for part in parts for path in part.iterdir() if path.suffix == layout.SUFFIX]
        return sorted((path for path in found if (path / "zarr.json").is_file()), key=str)
    except Exception as error:
        # Packages for object storage raise errors of their own, of many kinds.
        raise DataError(
            f"{folder} cannot be read: {error}.", remedy="Check the URL and your access to it."
        ) from error


def open_store(path: Path | str) -> Store:
    """Open a store and read its metadata.

    Args:
        path: a folder or a URL.

    Warns:
        MateyWarning: its chunks have a layout that is slow to read.

    Raises:
        DataError: there is no store, or it is damaged or of an unknown layout.
    """
    path = _as_path(path)
    try:
        group = StoreGroup(path)
    except FileNotFoundError as error:
        raise DataError(
            f"{path} is not a Zarr store.", remedy="Make one with `matey prepare`."
        ) from error
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a Zarr store that can be read: {error}.",
            remedy="Make one with `matey prepare`.",
        ) from error
    except Exception as error:
        if not is_remote(path):
            raise
        raise DataError(
            f"{path} cannot be read: {error}.", remedy="Check the URL and your access to it."
        ) from error
    found = group.attributes.get(LAYOUT)
    if found is None:
        raise DataError(
            f"{path} is a Zarr of another program, not a store of matey.",
            remedy=f"Convert it first: matey prepare array {path}.",
        )
    if found != layout.LAYOUT:
        raise DataError(
            f"{path} has matey_layout {found!r}; this version reads {layout.LAYOUT}.",
            remedy="Convert the source again with `matey prepare --overwrite`.",
        )
    try:
        return _read(group, path)
    except DAMAGE as error:
        raise DataError(
            f"{path} is damaged: {type(error).__name__} {error}.",
            remedy="Convert the source again with `matey prepare --overwrite`.",
        ) from error


def _read(group: StoreGroup, path: Path) -> Store:
    attributes = group.attributes
    described = attributes["fields"]
    moving = [layout.field_of(d) for d in described if not d["static"]]
    static = [layout.field_of(d) for d in described if d["static"]]
    _check_shapes(group, moving, static, attributes["axes"])
    chunks = _chunks(group, path, described)
    prefix = layout.PARAMETER
    provenance = attributes["provenance"]
    return Store(
        path=path,
        spec=FieldSpec(
            fields=tuple(moving),
            grid=_grid(attributes, chunks[moving[0].name].space),
            time_step=attributes["time_step"],
            dataset=path.stem,
        ),
        static_fields=tuple(static),
        statistics={
            d["name"]: {key: float(d["statistics"][key]) for key in STATISTICS} for d in described
        },
        sample_names=tuple(str(name) for name in group.values("sample")),
        parameters={
            key.removeprefix(prefix): group.values(key) for key in group if key.startswith(prefix)
        },
        coordinates={axis: group.values(axis) for axis in attributes["axes"]},
        units={str(axis): str(unit) for axis, unit in attributes.get("units", {}).items()},
        conserved=tuple(attributes.get("conserved", ())),
        missing={d["name"]: int(d.get("missing", 0)) for d in described},
        license=str(attributes.get("license", "")),
        provenance=provenance,
        fingerprint=_fingerprint(provenance),
        split=group.values("split"),
        _times=group.values("time"),
        _sample_times=group.values(layout.SAMPLE_TIME) if layout.SAMPLE_TIME in group else None,
        _chunks=tuple(chunks[field.name] for field in moving),
        _static_chunks=tuple(chunks[field.name] for field in static),
    )


def _check_shapes(
    group: StoreGroup, moving: list[Field], static: list[Field], axes: list[str]
) -> None:
    """Compare the shapes of all arrays, before anything of these sizes is made."""
    samples, times, *space = (int(size) for size in group.described(moving[0].name)["shape"])
    expected: dict[str, tuple[int, ...]] = {
        **{field.name: (samples, times, *space) for field in moving},
        **{field.name: (samples, *space) for field in static},
        **{axis: (size,) for axis, size in zip(axes, space, strict=True)},
        **{name: (samples,) for name in group if name.startswith(layout.PARAMETER)},
        "sample": (samples,),
        "split": (samples,),
        "time": (times,),
    }
    if layout.SAMPLE_TIME in group:
        expected[layout.SAMPLE_TIME] = (samples, times)
    for name, shape in expected.items():
        if (found := tuple(group.described(name)["shape"])) != shape:
            raise ValueError(f"{name} has the shape {found}; the fields need {shape}")


def _grid(attributes: dict[str, Any], shape: tuple[int, ...]) -> Grid:
    axes = tuple(attributes["axes"])
    if not len(axes) == len(shape) == len(attributes["spacing"]):
        raise ValueError(f"{len(axes)} axes for values on {len(shape)}")
    return Grid(
        axes=axes,
        shape=shape,
        spacing=tuple(attributes["spacing"]),
        boundary=tuple(_boundary(attributes["boundary"][axis]) for axis in axes),
        directed=tuple(attributes.get("directed", ())),
    )


def _chunks(group: StoreGroup, path: Path, described: list[dict[str, Any]]) -> dict[str, Chunks]:
    """Say how each field is read, and warn of those that only Zarr can read."""
    chunks = {}
    for field in described:
        name = field["name"]
        if not layout.is_field_name(name):
            raise ValueError(f"{name!r} is no name of a field")
        chunks[name] = chunks_of(
            group.described(name),
            partial(group.array, name),
            path / name,
            has_time=not field["static"],
            may_miss=field.get("missing") != 0,
        )
    slow = {name: part.reason for name, part in chunks.items() if isinstance(part, ZarrChunks)}
    if slow:
        reasons = " and ".join(dict.fromkeys(slow.values()))
        _LOG.warning("%s is read on a slow path, by Zarr itself: %s", path, reasons)
        warnings.warn(
            f"{path} is read by Zarr itself, up to a hundred times slower than what `matey prepare`"
            f" writes: for {', '.join(slow)}, {reasons}.",
            MateyWarning,
            stacklevel=1,  # the same place for all callers, so that it is said once
        )
    return chunks


def _boundary(name: str) -> Any:
    if name not in BOUNDARIES:
        raise ValueError(f"{name!r} is no boundary")
    return name


def _fingerprint(provenance: dict[str, Any]) -> str:
    unlike = ("versions", "path", "source", "mtime_ns")
    content = {key: value for key, value in provenance.items() if key not in unlike}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
