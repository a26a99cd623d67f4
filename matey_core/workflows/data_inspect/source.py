"""Describe a source, from its header and a bounded number of frames."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from matey_core.containers.tree import is_container
from matey_core.conversion.moments import Moments
from matey_core.conversion.search import Search
from matey_core.fields import Field
from matey_core.locations import is_remote, own_name
from matey_core.readers import READERS, Reader, ReaderOptions, Source
from matey_core.readers.auto import AutoReader
from matey_core.readers.hdf5.contents import FileContents, contents_of
from matey_core.workflows.data_inspect.description import (
    Description,
    FieldRow,
    Snapshots,
    dims_of,
    moments_of_time,
    parameter_rows,
    pictures,
)

MOST_BYTES = 256 * 2**20
"""Read of a source to tell ranges, whatever its size."""
MOST_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class FoundSource:
    """A source and the reader that knows its layout."""

    path: Path
    layout: str
    reader: Reader
    search: Search


def find_sources(
    folder: Path,
    layout: str | None,
    *,
    exclude: Collection[Path],
    options: ReaderOptions | None = None,
) -> tuple[list[FoundSource], Search]:
    """List the sources in a folder and below, or the folder itself if it is one.

    The search knows what could not be read.

    Args:
        folder: a folder or a single source.
        layout: name of a reader; by default whichever recognizes the content.
        exclude: folders to leave out.
        options: options of the reader.

    Raises:
        DataError: there is none, or none that can be read.
        ConfigError: no reader has this name, or it takes no such option.
    """
    name = layout or "auto"
    search = Search(lambda: READERS[name](options), folder, exclude)
    reader = search.reader
    return [
        FoundSource(
            path, reader.reader_of(path) if isinstance(reader, AutoReader) else name, reader, search
        )
        for path in search.paths
    ], search


def unknown_contents(path: Path, options: ReaderOptions | None) -> FileContents | None:
    """List what is inside a file of HDF5 or MATLAB if no reader knows its layout.

    Raises:
        DataError: the file is damaged.
        ConfigError: a package lacks, or an option does not fit.
    """
    if is_remote(path) or not path.is_file() or (options and (options.dims or options.fields)):
        return None
    is_known = not is_container(path) or AutoReader().recognizes(path)
    return None if is_known else contents_of(path)


def describe_source(found: FoundSource) -> Description:
    """Read the header of a source, and some frames.

    Raises:
        DataError: the file is damaged, or its layout is unknown.
    """
    source = found.search.open(found.path)
    header = source.header
    grid = header.spec.grid
    samples, frames = len(header.sample_names), len(header.times)
    arrays = frames * len(header.spec.fields) + len(header.static_fields)
    rows, drawn, ranges_of = _sampled(source)
    return Description(
        kind="source",
        name=found.reader.stem(own_name(found.path)),
        path=found.path,
        layout=found.layout,
        dims=dims_of(
            samples,
            header.times,
            header.coordinates,
            dict(zip(grid.axes, grid.boundary, strict=True)),
            header.units,
            grid.directed or header.directed,
        ),
        fields=rows,
        ranges_of=ranges_of,
        dtype=header.dtype.name,
        num_bytes=header.num_bytes,
        value_bytes=samples * arrays * int(np.prod(grid.shape)) * header.dtype.itemsize,
        encoding="",
        parameters=parameter_rows(header.parameters),
        splits=_splits(header.splits),
        provenance={},
        notes=header.notes,
        snapshots=drawn,
    )


def _splits(names: Sequence[str]) -> tuple[int, int, int] | None:
    if not names:
        return None
    return names.count("train"), names.count("validation"), names.count("test")


def _sampled(source: Source) -> tuple[tuple[FieldRow, ...], tuple[Snapshots, ...], str]:
    """Ranges of all fields over a few frames, and the first sample's pictures."""
    header = source.header
    moving, static = header.spec.fields, header.static_fields
    frames = moments_of_time(len(header.times))
    totals = {field.name: Moments() for field in (*moving, *static)}
    drawn: tuple[Snapshots, ...] = ()
    read, seen = 0, 0
    count = len(header.sample_names)
    for sample in sorted(set(np.linspace(0, count - 1, min(count, MOST_SAMPLES)).astype(int))):
        if seen and read + len(frames) * source.frame_bytes > MOST_BYTES:
            break
        values = np.concatenate([source.read(int(sample), k, k + 1) for k in frames])
        fixed = source.read_static(int(sample))
        for channel, field in enumerate(moving):
            totals[field.name].add(values[:, channel])
        for channel, field in enumerate(static):
            totals[field.name].add(fixed[channel])
        if not seen:
            drawn = _pictures(source, values, fixed, frames)
        read, seen = read + len(frames) * source.frame_bytes, seen + 1
    rows = tuple(
        _row(field, totals[field.name], header.conserved, is_static=is_static)
        for is_static, fields in ((False, moving), (True, static))
        for field in fields
    )
    return rows, drawn, f"{len(frames)} of {len(header.times)} frames of {seen} of {count} samples"


def _pictures(
    source: Source, values: np.ndarray, fixed: np.ndarray, frames: tuple[int, ...]
) -> tuple[Snapshots, ...]:
    header = source.header
    times = header.times if header.sample_times is None else header.sample_times[0]
    drawn = partial(
        pictures, sample=header.sample_names[0], times=times, coordinates=header.coordinates
    )
    return (
        *drawn(header.spec.fields, values, frames=frames),
        *drawn(header.static_fields, fixed[None], frames=(0,)),
    )


def _row(field: Field, total: Moments, conserved: Sequence[str], *, is_static: bool) -> FieldRow:
    values = total.summary()
    seen = total.count + total.missing + total.infinite
    return FieldRow(
        name=field.name,
        unit=field.unit,
        component=field.component,
        is_static=is_static,
        is_conserved=field.name in conserved,
        bounds=field.bounds,
        low=values["min"],
        high=values["max"],
        mean=values["mean"],
        std=values["std"],
        missing=total.missing / seen if seen else 0.0,
    )
