"""Several sources of one structure as one: the samples of all, in order."""

from bisect import bisect_right
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from matey_core.errors import DataError
from matey_core.sources import Header, Source
from matey_core.sources.spacing import UNEVEN

SAME_POINT = 1e-3
"""Largest distance of two positions that count as one, in units of the spacing."""


class Joined(Source):
    """The samples of all sources, one source after the other.

    A sample is named after its source: `a` where the source has one sample, else `a/0`.

    Raises:
        DataError: fields, grid, coordinates, units, types or numbers of frames differ, or
            times do by more than 5 % of a step.
    """

    def __init__(self, path: Path, sources: Sequence[Source]) -> None:
        first = sources[0].header
        for source in sources[1:]:
            check_alike(sources[0], source)
        headers = [source.header for source in sources]
        counts = [len(header.sample_names) for header in headers]
        times = np.concatenate([_times_by_sample(header) for header in headers])
        header = replace(
            first,
            sample_names=_names(sources),
            parameters=_parameters(headers),
            num_bytes=sum(header.num_bytes for header in headers),
            sample_times=None if (times == first.times).all() else times,
            notes=tuple(dict.fromkeys(note for header in headers for note in header.notes)),
            splits=sum((h.splits for h in headers), ()) if all(h.splits for h in headers) else (),
        )
        super().__init__(path, header)
        self.sources = tuple(lean(source, first) for source in sources)
        self.frames_together = max(source.frames_together for source in sources)
        self._ends = tuple(accumulate(counts))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of all sources."""
        return tuple(file for source in self.sources for file in source.files)

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive) from the source that has the sample."""
        source, inner = self._locate(sample)
        return source.read(inner, start, stop)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields from the source that has the sample."""
        source, inner = self._locate(sample)
        return source.read_static(inner)

    def _locate(self, sample: int) -> tuple[Source, int]:
        index = bisect_right(self._ends, sample)
        return self.sources[index], sample - (self._ends[index - 1] if index else 0)


def lean(source: Source, first: Header) -> Source:
    """Share what all have in common: thousands of sources go to every worker."""
    lean = copy(source)
    lean.header = replace(source.header, spec=first.spec, coordinates=first.coordinates)
    return lean


def check_alike(first: Source, other: Source, *, same_times: bool = True) -> None:
    """Raise unless two sources may share one store.

    Raises:
        DataError: fields, grid, coordinates, units or types differ, or times, unless they may.
    """
    for name, expected, found in (
        ("fields", first.header.spec.fields, other.header.spec.fields),
        ("static fields", first.header.static_fields, other.header.static_fields),
        ("axes", first.header.spec.grid.axes, other.header.spec.grid.axes),
        ("shape", first.header.spec.grid.shape, other.header.spec.grid.shape),
        ("boundary", first.header.spec.grid.boundary, other.header.spec.grid.boundary),
        ("units", first.header.units, other.header.units),
        ("type", first.header.dtype, other.header.dtype),
        *(
            [("number of frames", len(first.header.times), len(other.header.times))]
            if same_times
            else [("number of samples", *(len(s.header.sample_names) for s in (first, other)))]
        ),
    ):
        if expected != found:
            raise _unlike(first, other, name, f": {_plain(expected)} and {_plain(found)}")
    grid = first.header.spec.grid
    for axis, spacing in zip(grid.axes, grid.spacing, strict=True):
        if _distance(first.header.coordinates[axis], other.header.coordinates[axis]) > (
            SAME_POINT * spacing
        ):
            raise _unlike(first, other, f"positions along {axis}")
    if not same_times:
        return
    apart = _distance(_times_by_sample(other.header), first.header.times)
    if apart > UNEVEN * first.header.spec.time_step:
        raise DataError(
            f"{first.path} and {other.path} have different times, by up to {apart:.4g}; "
            f"the trajectories of a source share theirs to {UNEVEN:.0%} of a time step.",
            remedy="Give each file by itself, or a folder for each kind. Pieces of one trajectory "
            "belong into one file; the readers netcdf and array join them with --join time.",
        )


def _unlike(first: Source, other: Source, what: str, values: str = "") -> DataError:
    return DataError(
        f"{first.path} and {other.path} differ in their {what}{values}.",
        remedy="Give each file by itself, or put files of one kind into a folder of their own.",
    )


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(item, "name", item)) for item in value) or "none"
    return str(value)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


def _times_by_sample(header: Header) -> Shaped[np.ndarray, "sample time"]:
    if header.sample_times is not None:
        return header.sample_times
    return np.broadcast_to(header.times, (len(header.sample_names), len(header.times)))


def _names(sources: Sequence[Source]) -> tuple[str, ...]:
    stems = [source.path.stem for source in sources]
    if len(set(stems)) < len(stems):
        stems = [source.path.name for source in sources]
    return tuple(
        stem if len(source.header.sample_names) == 1 else f"{stem}/{name}"
        for stem, source in zip(stems, sources, strict=True)
        for name in source.header.sample_names
    )


def _parameters(headers: Sequence[Header]) -> dict[str, Shaped[np.ndarray, "sample"]]:
    keys = sorted({key for header in headers for key in header.parameters})
    return {
        key: np.concatenate(
            [
                header.parameters.get(key, np.full(len(header.sample_names), np.nan))
                for header in headers
            ]
        )
        for key in keys
    }
