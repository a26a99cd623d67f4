"""Incompressible flow (ns_incom): `velocity`, `particles`, `force` and `t`, and no x or y.

States are cell centres of a box. A simulation that was cut short has arrays of
full size with zeros after the attribute `latestIndex`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Shaped

from matey_core.containers.hdf5 import (
    attributes,
    chunk_along,
    clip,
    datasets,
    floating,
    open_hdf5,
    same_shape,
    small,
    text_of,
)
from matey_core.errors import DataError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.readers import Header, Source
from matey_core.readers._unread import unread
from matey_core.readers.pdebench import names
from matey_core.readers.pdebench.described import constants, described, sample_names
from matey_core.sources.spacing import uniform


def accepts(file: h5py.File) -> bool:
    """Whether the file has the arrays `velocity` and `t`."""
    arrays = datasets(file)
    return "velocity" in arrays and "t" in arrays


def open_source(path: Path, file: h5py.File) -> Source:
    """Read the header.

    Raises:
        DataError: shapes do not fit together, or not one frame is valid.
    """
    found = datasets(file)
    stored = attributes(file)
    config = names.plain_yaml(text_of(stored.get("config", "")))
    _check_shapes(path, found)
    samples, frames, *space = found["velocity"].shape[:-1]
    latest = names.number(stored.get("latestIndex"))
    frames = frames if latest is None else min(frames, int(latest) + 1)
    if frames < 1:
        raise DataError(f"{path}: latestIndex says that no frame was written.")
    times = small(path, found["t"])[:, :frames]
    if (times != times[0]).any():
        raise DataError(f"{path}: samples are stored at different times.")
    lengths = _domain(config)
    spacing = tuple(length / points for length, points in zip(lengths, space, strict=True))
    grid = Grid(
        axes=("x", "y"),
        shape=tuple(space),
        spacing=spacing,
        boundary=(names.INCOMPRESSIBLE.boundary,) * 2,
    )
    fields = names.INCOMPRESSIBLE.fields if "particles" in found else names.VELOCITY[:2]
    viscosity = {k.lower(): v for k, v in names.config_parameters({"sim": config}).items()}
    static: tuple[Field, ...] = names.FORCE if "force" in found else ()
    arrays = [found[key] for key in ("velocity", "particles", "force") if key in found]
    header = Header(
        spec=FieldSpec(
            fields=fields, grid=grid, time_step=uniform(path, "t", times[0], points=frames)
        ),
        static_fields=static,
        coordinates={
            axis: (np.arange(points) + 0.5) * step
            for axis, points, step in zip(grid.axes, space, spacing, strict=True)
        },
        times=times[0],
        sample_names=sample_names(path, file, samples),
        parameters={key: np.full(samples, viscosity[key]) for key in ("nu",) if key in viscosity}
        | constants(path, file, samples),
        dtype=floating(path, *arrays),
        num_bytes=path.stat().st_size,
        conserved=tuple(description.conserved) if (description := described(file)) else (),
        notes=unread(found, ("velocity", "particles", "force", "t", "seeds")),
    )
    source = IncompressibleSource(path, header)
    source.frames_together = chunk_along(found["velocity"], 1)
    return source


def _check_shapes(path: Path, found: Mapping[str, h5py.Dataset]) -> None:
    shape = same_shape(path, {"velocity": found["velocity"]})
    if len(shape) != 5 or shape[-1] != 2:
        raise DataError(
            f"{path}: velocity has shape {shape}; expected [sample, time, x, y, 2].",
        )
    expected = {
        "t": shape[:2],
        "particles": (*shape[:-1], 1),
        "force": (shape[0], *shape[2:]),
    }
    for key, wanted in expected.items():
        if key in found and found[key].shape != wanted:
            raise DataError(f"{path}: {key} has shape {found[key].shape}, expected {wanted}.")


def _domain(config: dict[str, Any]) -> tuple[float, float]:
    """Side lengths of the box; the unit square where the config does not tell."""
    size = config.get("domain_size")
    lengths = [names.number(side) for side in size] if isinstance(size, list) else []
    width, height = lengths if len(lengths) == 2 else (None, None)
    return (width, height) if width and height and min(width, height) > 0 else (1.0, 1.0)


class IncompressibleSource(Source):
    """Arrays [sample, time, x, y, channel]."""

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in the dtype of the source."""
        header = self.header
        frames = clip(start, stop, len(header.times))
        shape = (len(header.spec.fields), frames.stop - frames.start, *header.spec.grid.shape)
        values = np.empty(shape, header.dtype)
        with open_hdf5(self.path, user=self) as file:
            values[:2] = np.moveaxis(file["velocity"][sample, frames], -1, 0)
            if len(values) > 2:
                values[2] = file["particles"][sample, frames, ..., 0]
        return values.swapaxes(0, 1)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        if not self.header.static_fields:
            return super().read_static(sample)
        with open_hdf5(self.path, user=self) as file:
            return np.moveaxis(file["force"][sample], -1, 0).astype(self.header.dtype, copy=False)
