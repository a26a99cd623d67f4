"""Describe a store, from its attributes and three frames."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from matey_core.locations import is_remote
from matey_core.store import SPLITS, Store, StoreGroup, open_store
from matey_core.workflows.data_inspect.description import (
    Description,
    FieldRow,
    Snapshots,
    dims_of,
    moments_of_time,
    parameter_rows,
    pictures,
)


def describe_store(path: Path) -> Description:
    """Read the metadata of a store, and three frames of its first sample.

    Raises:
        DataError: it is damaged or of an unknown layout.
    """
    store = open_store(path)
    group = StoreGroup(path)
    attributes = group.attributes
    array = group.array(store.spec.names[0])
    grid = store.spec.grid
    rows = tuple(
        _row(described, attributes, group.array(described["name"]).size)
        for described in attributes["fields"]
    )
    arrays = [group.array(row.name) for row in rows]
    train, validation, test = (len(store.samples(split)) for split in SPLITS)
    return Description(
        kind="store",
        name=store.name,
        path=path,
        layout=f"matey {attributes['matey_layout']}",
        dims=dims_of(
            store.num_samples,
            store.times(),
            store.coordinates,
            dict(zip(grid.axes, grid.boundary, strict=True)),
            store.units,
            grid.directed,
        ),
        fields=rows,
        ranges_of="all training trajectories",
        dtype=str(array.attrs.get("matey_dtype", array.dtype.name)),
        num_bytes=_size(path),
        value_bytes=sum(array.nbytes for array in arrays),
        encoding=_encoding(array),
        parameters=parameter_rows(store.parameters),
        splits=(train, validation, test),
        provenance=_provenance(store.provenance),
        snapshots=_pictures(store),
    )


def _row(described: dict[str, Any], attributes: dict[str, Any], num_values: int) -> FieldRow:
    values = {key: np.nan if v is None else v for key, v in described["statistics"].items()}
    low, high = described["bounds"]
    return FieldRow(
        name=described["name"],
        unit=described["unit"],
        component=tuple(described["component"]),
        is_static=described["static"],
        is_conserved=described["name"] in attributes.get("conserved", ()),
        bounds=(low, high),
        low=values["min"],
        high=values["max"],
        mean=values["mean"],
        std=values["std"],
        missing=described.get("missing", 0) / num_values,
    )


def _encoding(array: "zarr.Array[Any]") -> str:
    """Chunks and compression in words, such as `64 frames a chunk (8.4 MB), uncompressed`."""
    shape = array.shards or array.chunks
    num_bytes = int(np.prod(shape)) * array.dtype.itemsize
    whole = f"{shape[1]} frames a chunk file ({num_bytes / 1e6:.3g} MB)"
    if not array.compressors:
        return f"{whole}, uncompressed"
    codec: Any = array.compressors[0]
    name = getattr(codec, "cname", "compressed")
    together = f", {array.chunks[1]} frames together" if array.shards else ""
    return f"{whole}, {getattr(name, 'value', name)}{together}"


def _size(path: Path) -> int:
    """Bytes of all files of a store."""
    if is_remote(path):
        return int(path.fs.du(path.path))  # type: ignore[attr-defined]
    return sum(
        os.stat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(path)
        for name in names
    )


def _provenance(known: dict[str, Any]) -> dict[str, str]:
    """What a person wants to know of where a store comes from."""
    short: dict[str, str] = {key: str(known[key]) for key in ("source", "reader") if key in known}
    if "sha256" in known:
        short["sha256"] = f"{known['sha256'][:12]}…"
    if "versions" in known:
        short["matey"] = str(known["versions"].get("matey", ""))
    return short


def _pictures(store: Store) -> tuple[Snapshots, ...]:
    frames = moments_of_time(store.num_frames)
    values = np.concatenate([store.read(0, frame, frame + 1) for frame in frames])
    drawn = partial(
        pictures, sample=store.sample_names[0], times=store.times(0), coordinates=store.coordinates
    )
    return (
        *drawn(store.spec.fields, values, frames=frames),
        *drawn(store.static_fields, store.read_static(0)[None], frames=(0,)),
    )
