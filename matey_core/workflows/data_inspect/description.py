"""What there is to know of a store or a source, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Shaped

from matey_core.fields import Field
from matey_core.sources.spacing import growing


@dataclass(frozen=True, slots=True, kw_only=True)
class Dim:
    """A named dim; space axes and time have positions."""

    name: str
    size: int
    unit: str = ""
    start: float | None = None
    stop: float | None = None
    step: float | None = None
    boundary: str = ""
    is_directed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One field: what it is and which values it takes."""

    name: str
    unit: str
    component: tuple[str, ...]
    is_static: bool
    is_conserved: bool
    bounds: tuple[float | None, float | None]
    low: float
    high: float
    mean: float
    std: float
    missing: float
    """Share of the values that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRow:
    """A constant of the equation, over all samples."""

    name: str
    low: float
    high: float
    distinct: int
    unknown: int
    """Samples that do not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """A field of one sample at a few times, on a line or a plane."""

    name: str
    sample: str
    times: tuple[float, ...]
    frames: tuple[int, ...]
    axes: tuple[str, ...]
    """Of the values."""
    slice_of: str
    """Where a 3D grid is cut, such as `x = 16 of 32`."""
    values: Shaped[np.ndarray, "frame *plane"] = field(metadata={"document": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A store or a source."""

    kind: Literal["store", "source"]
    name: str
    path: Path
    layout: str
    """The reader of a source; the version of a store's layout."""
    dims: tuple[Dim, ...]
    """Sample, time and space axes, in this order."""
    fields: tuple[FieldRow, ...]
    ranges_of: str
    """Which values the fields' ranges are taken from."""
    dtype: str
    num_bytes: int
    """Size on the disk."""
    value_bytes: int
    """Size of the values, uncompressed."""
    encoding: str
    """Chunks and compression."""
    parameters: tuple[ParameterRow, ...]
    splits: tuple[int, int, int] | None
    """Trajectories that train, validate and test; None where that is not decided."""
    provenance: dict[str, str]
    notes: tuple[str, ...] = ()
    """What a reader leaves out, with the reason, and what is not certain."""
    snapshots: tuple[Snapshots, ...] = field(metadata={"document": False})


def parameter_rows(parameters: dict[str, np.ndarray]) -> tuple[ParameterRow, ...]:
    """Ranges of parameters with dims (sample,)."""
    rows = []
    for name, values in parameters.items():
        known = values[~np.isnan(values)]
        rows.append(
            ParameterRow(
                name=name,
                low=float(known.min()) if known.size else float("nan"),
                high=float(known.max()) if known.size else float("nan"),
                distinct=len(np.unique(known)),
                unknown=int(values.size - known.size),
            )
        )
    return tuple(rows)


def dims_of(
    num_samples: int,
    times: np.ndarray,
    coordinates: dict[str, np.ndarray],
    boundary: dict[str, str],
    units: dict[str, str],
    directed: tuple[str, ...],
) -> tuple[Dim, ...]:
    """Sample, time and the space axes, with their positions."""
    axes = [
        _along(name, values, units, boundary.get(name, ""), name in directed)
        for name, values in (("time", times), *coordinates.items())
    ]
    return (Dim(name="sample", size=num_samples), *axes)


def _along(
    name: str, values: np.ndarray, units: dict[str, str], boundary: str, is_directed: bool
) -> Dim:
    start, stop, gaps = float(values[0]), float(values[-1]), len(values) - 1
    return Dim(
        name=name,
        size=len(values),
        unit=units.get(name, ""),
        start=start,
        stop=stop,
        step=(stop - start) / gaps if gaps else None,
        boundary=boundary,
        is_directed=is_directed,
    )


def moments_of_time(num_frames: int) -> tuple[int, ...]:
    """First, middle and last frame, each once."""
    return tuple(sorted({0, (num_frames - 1) // 2, num_frames - 1}))


def pictures(
    fields: tuple[Field, ...],
    values: Shaped[np.ndarray, "frame c *space"],
    *,
    sample: str,
    frames: tuple[int, ...],
    times: np.ndarray,
    coordinates: Mapping[str, np.ndarray],
) -> tuple[Snapshots, ...]:
    """Fields at some frames; a 3D grid is cut in the middle of its first axis."""
    slice_of, axes = "", tuple(coordinates)
    values = values[growing(coordinates.values())]
    if len(axes) == 3:
        points = values.shape[2]
        slice_of = f"{axes[0]} = {points // 2} of {points}"
        values, axes = values[:, :, points // 2], axes[1:]
    return tuple(
        Snapshots(
            name=field.name,
            sample=sample,
            times=tuple(float(times[frame]) for frame in frames),
            frames=frames,
            axes=axes,
            slice_of=slice_of,
            values=values[:, channel],
        )
        for channel, field in enumerate(fields)
    )
