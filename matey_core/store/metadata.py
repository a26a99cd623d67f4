"""What describes the values of a store: arrays without chunks, coordinates, attributes."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.storage import MemoryStore

from matey_core.conversion.encoding import Encoding
from matey_core.conversion.moments import Moments
from matey_core.conversion.work import ConversionJob
from matey_core.fields import Field
from matey_core.store import layout
from matey_core.store.cf import CONVENTIONS, axis_attributes, field_attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the values once all are written."""

    split: np.ndarray
    """(sample,) 0 for train, 1 for validation, 2 for test."""
    training: dict[str, Moments]
    """Field -> moments over the training trajectories."""
    missing: dict[str, int]
    """Field -> NaN values in all trajectories."""
    license: str
    """Of the data; empty where nobody says."""
    provenance: dict[str, Any]


def metadata(job: ConversionJob, name: str, facts: Facts) -> dict[str, bytes]:
    """All files of a Zarr group but the chunks of its fields: name -> content.

    Args:
        job: what was converted.
        name: of the store.
        facts: what came of it.
    """
    files: dict[str, Any] = {}
    group = zarr.open_group(MemoryStore(files), mode="w", zarr_format=3)
    header = job.source.header
    for field in header.spec.fields:
        _create(group, job, field, job.encoding, has_time=True)
    for field in header.static_fields:
        _create(group, job, field, job.static_encoding, has_time=False)
    _write_vectors(group, job, facts.split)
    group.attrs.update(_attributes(job, name, facts))
    with warnings.catch_warnings():
        # Zarr warns that consolidated metadata is not in its specification yet;
        # xarray warns where it is missing.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(group.store)
    return {key: content.to_bytes() for key, content in sorted(files.items())}


def _create(
    group: zarr.Group, job: ConversionJob, field: Field, encoding: Encoding, *, has_time: bool
) -> None:
    axes = job.source.header.spec.grid.axes
    attributes: dict[str, Any] = {
        "units": field.unit or layout.DIMENSIONLESS,
        **field_attributes(field.name, job.source.header.standard_names.get(field.name, "")),
        "matey_component": ",".join(field.component) or "scalar",
        "matey_static": not has_time,
    }
    if encoding.is_bfloat16:
        attributes["matey_dtype"] = "bfloat16"
    times = (encoding.frames,) if has_time else ()
    group.create_array(
        field.name,
        shape=(job.num_samples, *times, *encoding.space),
        dimension_names=("sample", *(("time",) if has_time else ()), *axes),
        attributes=attributes,
        **encoding.array_settings(has_time=has_time),
    )


def _write_vectors(group: zarr.Group, job: ConversionJob, split: np.ndarray) -> None:
    header = job.source.header
    units = {axis: header.units.get(axis, layout.DIMENSIONLESS) for axis in header.coordinates}
    of_time = header.units.get("time", layout.DIMENSIONLESS)
    names = np.array(header.sample_names[: job.num_samples], dtype=np.dtypes.StringDType())
    _vector(group, "sample", ("sample",), names)
    _vector(group, "time", ("time",), header.times, units=of_time, **axis_attributes("time"))
    if header.sample_times is not None:
        times = header.sample_times[: job.num_samples]
        _vector(group, layout.SAMPLE_TIME, ("sample", "time"), times, units=of_time)
    for axis, values in header.coordinates.items():
        known = axis_attributes(axis, units[axis])
        _vector(group, axis, (axis,), values, units=units[axis], **known)
    meanings = " ".join(layout.SPLITS)
    _vector(group, "split", ("sample",), split, flag_values=[0, 1, 2], flag_meanings=meanings)
    for key, values in header.parameters.items():
        kept = values[: job.num_samples].astype(np.float64)
        _vector(group, layout.PARAMETER + key, ("sample",), kept, units=layout.DIMENSIONLESS)


def _vector(
    group: zarr.Group, name: str, dims: tuple[str, ...], values: np.ndarray, **attributes: Any
) -> None:
    group.create_array(
        name,
        data=values,
        chunks=values.shape,
        compressors=None,
        dimension_names=dims,
        attributes=attributes,
    )


def _attributes(job: ConversionJob, name: str, facts: Facts) -> dict[str, Any]:
    header = job.source.header
    described = [
        layout.describe(
            field,
            is_static=is_static,
            statistics=facts.training[field.name].summary(),
            missing=facts.missing[field.name],
        )
        for is_static, fields in ((False, header.spec.fields), (True, header.static_fields))
        for field in fields
    ]
    grid = header.spec.grid
    return {
        "Conventions": CONVENTIONS,
        "matey_layout": layout.LAYOUT,
        "dataset": name,
        "fields": described,
        "axes": list(grid.axes),
        "spacing": list(grid.spacing),
        "boundary": dict(zip(grid.axes, grid.boundary, strict=True)),
        "units": header.units,
        "time_step": header.spec.time_step,
        "conserved": list(header.conserved),
        "directed": list(header.directed),
        "given_splits": bool(header.splits),
        **({"license": facts.license} if facts.license else {}),
        "provenance": facts.provenance,
    }
