"""A source seen through other eyes: part of space, every k-th frame, fewer points."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Shaped

from matey_core.errors import ConfigError
from matey_core.fields import Boundary, Grid
from matey_core.readers import Header, Source

Method = Literal["auto", "mean", "spectral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to take of a source; by default all of it."""

    stride: int = 1
    """Take every `stride`-th frame."""
    crop: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Axis -> first point and the one after the last."""
    downsample: tuple[int, ...] = ()
    """Points that become one: a number for all axes, or one for each axis."""
    method: Method = "auto"
    """`mean` over cells, `spectral` (periodic axes only), or `auto`: spectral where periodic."""

    def of(self, source: Source) -> Source:
        """Apply to a source.

        Raises:
            ConfigError: an axis that the grid does not have, a range outside it, or a number
                of points that does not divide it.
        """
        if self == Selection():
            return source
        return SelectedSource(source, self)


class SelectedSource(Source):
    """Crop, then stride, then downsample."""

    def __init__(self, source: Source, selection: Selection) -> None:
        self.source = source
        self.stride = selection.stride
        if self.stride < 1:
            raise ConfigError(f"--stride {self.stride} is not possible; it must be at least 1.")
        grid = source.header.spec.grid
        self._slices = _slices(grid, selection.crop)
        cropped = _cropped(grid, self._slices)
        self._factors = _factors(cropped, selection.downsample)
        self._spectral = _spectral(cropped, self._factors, selection.method)
        super().__init__(source.path, self._header(source.header, cropped))
        self.frames_together = -(-source.frames_together // self.stride)
        self.samples_together = source.samples_together

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the whole source."""
        return self.source.files

    @property
    def frame_bytes(self) -> int:
        """Bytes that reading one frame of the whole source takes."""
        return self.source.frame_bytes

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive) of those that are taken."""
        return self._taken(partial(self.source.read, sample), start, stop, axis=0)

    def read_samples(
        self, samples: range, start: int, stop: int
    ) -> Shaped[np.ndarray, "sample time c *space"]:
        """Read frames `start` to `stop` (exclusive) of those that are taken of several samples."""
        return self._taken(partial(self.source.read_samples, samples), start, stop, axis=1)

    def _taken(
        self, read: Callable[[int, int], np.ndarray], start: int, stop: int, *, axis: int
    ) -> np.ndarray:
        """Read frames, each `stride` behind the last, along an axis of what `read` gives."""
        if self.stride == 1:
            return self._reduce(read(start, stop))
        chosen = range(start * self.stride, stop * self.stride, self.stride)
        together = groupby(chosen, key=lambda frame: frame // self.source.frames_together)
        parts = [[*frames] for _, frames in together]
        every = (slice(None),) * axis + (slice(None, None, self.stride),)
        return np.concatenate(
            [self._reduce(read(part[0], part[-1] + 1)[every]) for part in parts], axis
        )

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        return self._reduce(self.source.read_static(sample))

    def _header(self, header: Header, cropped: Grid) -> Header:
        factors = dict(zip(cropped.axes, self._factors, strict=True))
        slices = dict(zip(cropped.axes, self._slices, strict=True))
        grid = replace(
            cropped,
            shape=tuple(n // factors[a] for a, n in zip(cropped.axes, cropped.shape, strict=True)),
            spacing=tuple(
                h * factors[a] for a, h in zip(cropped.axes, cropped.spacing, strict=True)
            ),
        )
        coordinates = {
            axis: _means(values[slices[axis]], factors[axis])
            for axis, values in header.coordinates.items()
        }
        times = header.sample_times
        return replace(
            header,
            spec=replace(header.spec, grid=grid, time_step=header.spec.time_step * self.stride),
            coordinates=coordinates,
            times=header.times[:: self.stride],
            sample_times=None if times is None else times[:, :: self.stride],
        )

    def _reduce(self, values: Shaped[np.ndarray, "*before space"]) -> np.ndarray:
        """Crop and downsample the last axes."""
        first = values.ndim - len(self._slices)
        values = values[(slice(None),) * first + self._slices]
        for number, factor in enumerate(self._factors):
            if factor == 1 or not values.size:
                continue
            axis = first + number
            if self._spectral[number] and np.isfinite(values).all():
                values = truncated(values, axis, factor)
            else:
                values = block_means(values, axis, factor)
        return values


def block_means(values: np.ndarray, axis: int, factor: int) -> np.ndarray:
    """Mean over `factor` neighbours along an axis, of those that are not NaN."""
    shape = (*values.shape[:axis], values.shape[axis] // factor, factor, *values.shape[axis + 1 :])
    blocks = values.reshape(shape)
    if not np.isnan(values).any():
        return blocks.mean(axis + 1, dtype=np.float64).astype(values.dtype)
    known = ~np.isnan(blocks)
    count = known.sum(axis + 1)
    total = np.where(known, blocks, 0).sum(axis + 1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count).astype(values.dtype)


def truncated(values: np.ndarray, axis: int, factor: int) -> np.ndarray:
    """Keep the waves that `factor` times fewer points can tell, along a periodic axis.

    New points lie in the middle of the old ones they replace, as with means; the mean over
    the axis stays. The highest wave of an even number of points is left out: its phase
    cannot be told.
    """
    points = values.shape[axis]
    fewer = points // factor
    modes = np.arange(fewer // 2 + 1)
    shift = np.exp(2j * np.pi * modes * (factor - 1) / 2 / points)
    if fewer % 2 == 0 and fewer > 1:
        shift[-1] = 0
    waves = np.fft.rfft(values.astype(np.float64), axis=axis)
    kept = np.take(waves, modes, axis=axis)
    kept *= shift.reshape(-1, *(1,) * (values.ndim - axis - 1))
    return (np.fft.irfft(kept, fewer, axis=axis) / factor).astype(values.dtype)


def _means(values: np.ndarray, factor: int) -> np.ndarray:
    return values if factor == 1 else block_means(values, 0, factor)


def _slices(grid: Grid, crop: Mapping[str, tuple[int, int]]) -> tuple[slice, ...]:
    if unknown := sorted(set(crop) - set(grid.axes)):
        raise ConfigError(
            f"--crop names the axis {unknown[0]}; the grid has {', '.join(grid.axes)}."
        )
    slices = []
    for axis, points in zip(grid.axes, grid.shape, strict=True):
        first, last = crop.get(axis, (0, points))
        if not 0 <= first < last <= points:
            raise ConfigError(
                f"--crop {axis}={first}:{last} is not within the {points} points of the axis.",
                remedy=f"Give a first point and the one after the last, such as {axis}=0:{points}.",
            )
        slices.append(slice(first, last))
    return tuple(slices)


def _cropped(grid: Grid, slices: tuple[slice, ...]) -> Grid:
    """The grid that is left; an axis that loses points is periodic no more.

    A period that is stored with both ends has one point too many: without it, it wraps around.
    """
    shape = tuple(part.stop - part.start for part in slices)
    boundary: tuple[Boundary, ...] = tuple(
        kind if left == points or (kind == "periodic" and left == points - 1) else "unknown"
        for kind, left, points in zip(grid.boundary, shape, grid.shape, strict=True)
    )
    return replace(grid, shape=shape, boundary=boundary)


def _factors(grid: Grid, downsample: tuple[int, ...]) -> tuple[int, ...]:
    factors = downsample or (1,)
    if len(factors) == 1:
        factors *= grid.num_axes
    if len(factors) != grid.num_axes or min(factors) < 1:
        raise ConfigError(
            f"--downsample {','.join(map(str, downsample))} does not fit the "
            f"{grid.num_axes} axes {', '.join(grid.axes)}.",
            remedy="Give one number, or one for each axis.",
        )
    for axis, points, factor in zip(grid.axes, grid.shape, factors, strict=True):
        if points % factor:
            raise ConfigError(
                f"--downsample {factor} does not divide the {points} points of {axis}.",
                remedy=f"Cut some off with --crop {axis}=0:{points - points % factor}.",
            )
    return factors


def _spectral(grid: Grid, factors: tuple[int, ...], method: Method) -> tuple[bool, ...]:
    if method == "mean":
        return (False,) * grid.num_axes
    walled = [
        axis
        for axis, factor, is_periodic in zip(grid.axes, factors, grid.periodic, strict=True)
        if factor > 1 and not is_periodic
    ]
    if method == "spectral" and walled:
        raise ConfigError(
            f"--downsample-method spectral needs periodic axes; {walled[0]} is not.",
            remedy="Use auto, which takes means along it.",
        )
    return grid.periodic
