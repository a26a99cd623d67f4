"""What xarray opens as a source: frames on demand."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from matey_core.containers.damage import reading
from matey_core.readers import Header, Source
from matey_core.readers.netcdf.layout import Column, NetcdfLayout
from matey_core.readers.netcdf.plain import read_plain
from matey_core.readers.netcdf.versions import EXPVER, merged

Opener = Callable[[Path], xr.Dataset]
"""Opens a file, or gives what the process has open; it can be pickled."""


class DatasetSource(Source):
    """A file with one trajectory, or several along a dim."""

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        layout: NetcdfLayout,
        flipped: tuple[int, ...],
        opened: Opener,
        files: tuple[Path, ...],
        plain: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(path, header)
        self._layout = layout
        self._flipped = flipped
        """Space axes that run backwards in the file, counted from the last: −1, −2, …"""
        self._opened = opened
        self._files = files
        self._plain = plain or {}
        """Variables that are read without `opened`, and their dims."""

    def dataset(self) -> xr.Dataset:
        """The file, opened."""
        return self._opened(self.path)

    @property
    def time_dim(self) -> str | None:
        """Name of the dim of times in the file; None if the fields have none."""
        return self._layout.dims.time if self._layout.fields[0].has_time else None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, or folders of files, that the values come from."""
        return self._files

    @property
    def frame_bytes(self) -> int:
        """Bytes that reading one frame takes; expressions hold values in between."""
        return super().frame_bytes * (3 if self._layout.is_derived else 1)

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive); missing values are NaN."""
        frames = range(len(self.header.times))[start:stop]
        spec = self.header.spec
        # A channel lies in one piece, as it is written.
        values = np.empty((len(spec.fields), len(frames), *spec.grid.shape), self.header.dtype)
        channel = 0
        for column in self._layout.fields:
            after = channel + len(column.names)
            found = self._read(column, sample, slice(start, stop))
            values[channel:after] = found.swapaxes(0, 1) if column.has_time else found[:, None]
            channel = after
        return values.swapaxes(0, 1)

    def read_samples(
        self, samples: range, start: int, stop: int
    ) -> Shaped[np.ndarray, "sample time c *space"]:
        """Read frames `start` to `stop` (exclusive) of several samples in a row."""
        frames = range(len(self.header.times))[start:stop]
        spec = self.header.spec
        shape = (len(samples), len(frames), *spec.grid.shape)
        values = np.empty((len(spec.fields), *shape), self.header.dtype)
        channel = 0
        for column in self._layout.fields:
            after = channel + len(column.names)
            taken = slice(samples.start, samples.stop)
            found = self._read(column, taken, slice(start, stop))  # (sample, time, c, *space)
            found = found if column.has_time else found[:, None]
            values[channel:after] = np.moveaxis(found, 2, 0)
            channel = after
        return np.moveaxis(values, 0, 2)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        if not self._layout.static:
            return super().read_static(sample)
        parts = [self._read(column, sample, slice(None)) for column in self._layout.static]
        return np.concatenate(parts, dtype=self.header.dtype)

    def _read(
        self, column: Column, sample: int | slice, frames: slice
    ) -> Shaped[np.ndarray, "..."]:
        """Read a column as (time, c, *space), or (c, *space); axes as in the first column.

        In front comes an axis of samples where several are read, of one where all have the same.
        """
        dims = self._layout.dims
        where: dict[str | None, int | slice] = {dims.sample: sample, dims.time: frames}
        where |= dict.fromkeys(dims.single, 0)
        if dims.versions:
            where[EXPVER] = slice(None)

        def part(name: str) -> xr.Variable:
            if name in self._plain:
                found = read_plain(self.path, name, self._plain[name], where)
            else:
                variable = self.dataset().variables[name]
                taken = {dim: where[str(dim)] for dim in variable.dims if dim in where}
                found = variable.isel(taken)
            return merged(found, dims.versions) if EXPVER in found.dims else found

        with reading(self.path):
            if isinstance(column.source, str):
                found = part(column.source)
            else:
                found = column.source({name: part(name).load() for name in column.uses})
            has_field = dims.field in found.dims
            order = [dims.time] * column.has_time + [dims.field] * has_field + [*dims.space]
            has_sample = dims.sample in found.dims
            values = found.transpose(*[dims.sample] * has_sample, *order).values
        if isinstance(sample, slice) and not has_sample:
            values = values[None]
        if not has_field:
            values = np.expand_dims(values, -1 - len(dims.space))
        return np.flip(values, self._flipped).astype(column.dtype, copy=False)
