"""From an opened source to a complete store, a block of frames at a time."""

import errno
import hashlib
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from jaxtyping import Shaped

from matey_core.errors import DataError, RunError
from matey_core.fields import Field
from matey_core.readers import Header, Source
from matey_core.store import layout
from matey_core.store._chunks import Chunks
from matey_core.store.split import TRAIN, Split
from matey_core.store.statistics import Statistics

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_store(
    source: Source,
    path: Path,
    *,
    num_samples: int,
    split: Split,
    provenance: dict[str, Any],
    on_frames: Callable[[int], None] = lambda frames: None,
) -> np.ndarray:
    """Write the first samples of a source; `path` exists only if all went well.

    Args:
        source: where the states come from.
        path: the store, ending in `.zarr`. One that exists is replaced at the end.
        num_samples: how many samples to take.
        split: how to split them.
        provenance: where the data comes from, kept in the attributes.
        on_frames: told the number of frames after every block.

    Returns:
        (sample,) the split drawn.

    Raises:
        DataError: a value is not finite, or the source cannot be read.
        RunError: the disk is full.
    """
    with _complete_or_gone(path) as partial:
        return _Writer(source, partial, path.stem, num_samples).write(split, provenance, on_frames)


@contextmanager
def _complete_or_gone(path: Path) -> Iterator[Path]:
    """Give a place to write to; rename it at the end, or remove it on any failure."""
    partial = path.with_name(path.name + layout.PARTIAL)
    replaced = path.with_name(path.name + ".replaced" + layout.PARTIAL)
    try:
        _remove(partial)
        partial.mkdir(parents=True)
        yield partial
        _remove(replaced)
        if path.exists():
            path.rename(replaced)
        partial.rename(path)
        _remove(replaced)
    except BaseException as error:
        _remove(partial)
        if replaced.exists() and not path.exists():
            replaced.rename(path)
        if isinstance(error, OSError) and error.errno in FULL:
            raise RunError(
                f"{path} cannot be written: {error.strerror}.",
                remedy="Free some space, or choose another folder with --out.",
            ) from error
        raise


def _remove(folder: Path) -> None:
    """Remove a folder, even while a write that was interrupted still finishes in it."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


class _Writer:
    """Writes one store into an empty folder."""

    def __init__(self, source: Source, folder: Path, name: str, num_samples: int) -> None:
        self.source = source
        self.folder = folder
        self.name = name
        self.num_samples = num_samples
        self.header: Header = source.header
        self.group = zarr.open_group(folder, mode="w", zarr_format=3)
        self.block = layout.frames_of_a_chunk(self._frame_bytes, len(self.header.times))
        fields = (*self.header.spec.fields, *self.header.static_fields)
        self.statistics = Statistics(tuple(field.name for field in fields))

    @property
    def _frame_bytes(self) -> int:
        return int(np.prod(self.header.spec.grid.shape)) * self.header.dtype.itemsize

    def write(
        self, split: Split, provenance: dict[str, Any], on_frames: Callable[[int], None]
    ) -> np.ndarray:
        """Write states first, then what describes them, then the attributes."""
        frames = len(self.header.times)
        moving = [self._create(f, frames) for f in self.header.spec.fields]
        static = [self._create(f, None) for f in self.header.static_fields]
        identities = [
            self._write_sample(sample, moving, static, on_frames)
            for sample in range(self.num_samples)
        ]
        assigned = split.assign(identities)
        self._write_coordinates(assigned)
        training = np.flatnonzero(assigned == TRAIN).tolist()
        self.group.attrs.update(self._attributes(training, provenance))
        with warnings.catch_warnings():
            # Zarr warns that consolidated metadata is not in its specification yet;
            # xarray warns where it is missing.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(self.group.store)
        return assigned

    def _create(self, field: Field, frames: int | None) -> Chunks:
        """Create the array of a field; its chunks are written apart."""
        space = self.header.spec.grid.shape
        time_axis = () if frames is None else (frames,)
        array = self.group.create_array(
            field.name,
            shape=(self.num_samples, *time_axis, *space),
            chunks=(1, *(() if frames is None else (self.block,)), *space),
            dtype=self.header.dtype,
            compressors=None,
            fill_value=float("nan"),
            dimension_names=(
                "sample",
                *(() if frames is None else ("time",)),
                *self.header.spec.grid.axes,
            ),
            attributes={
                "units": field.unit or layout.DIMENSIONLESS,
                "matey_component": ",".join(field.component) or "scalar",
                "matey_static": frames is None,
            },
        )
        return Chunks.of(array, self.folder / field.name, has_time=frames is not None)

    def _write_sample(
        self,
        sample: int,
        moving: list[Chunks],
        static: list[Chunks],
        on_frames: Callable[[int], None],
    ) -> str:
        """Write a trajectory and return a hash of its initial state and static fields."""
        identity = hashlib.sha256()
        for number, start in enumerate(range(0, len(self.header.times), self.block)):
            stop = min(start + self.block, len(self.header.times))
            values = self.source.read(sample, start, stop)
            for channel, (field, chunks) in enumerate(
                zip(self.header.spec.fields, moving, strict=True)
            ):
                self._put(chunks, sample, number, field, values[:, channel], start)
            if start == 0:
                identity.update(np.ascontiguousarray(values[0]).data)
            on_frames(stop - start)
        values = self.source.read_static(sample)
        identity.update(np.ascontiguousarray(values).data)
        for field, chunks, part in zip(self.header.static_fields, static, values, strict=True):
            self._put(chunks, sample, 0, field, part[None], 0)
        return identity.hexdigest()

    def _put(
        self,
        chunks: Chunks,
        sample: int,
        block: int,
        field: Field,
        values: Shaped[np.ndarray, "time *space"],
        start: int,
    ) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            bad = ~finite.reshape(len(values), -1).all(axis=1)
            raise DataError(
                f"{self.source.path}: {field.name} of sample "
                f"{self.header.sample_names[sample]} has {int((~finite).sum())} values that are "
                f"NaN or infinite in frames {start} to {start + len(values) - 1}, the first at "
                f"time index {start + int(bad.argmax())}.",
                remedy="Remove the sample from the source; --limit takes only the first samples.",
            )
        self.statistics.add(sample, field.name, values)
        chunks.write(sample, block, values)

    def _write_coordinates(self, split: np.ndarray) -> None:
        header = self.header
        names = header.sample_names[: self.num_samples]
        self._vector("sample", "sample", np.array(names, dtype=np.dtypes.StringDType()))
        self._vector("time", "time", header.times, units=layout.DIMENSIONLESS)
        for axis, values in header.coordinates.items():
            self._vector(axis, axis, values, units=layout.DIMENSIONLESS)
        self._vector(
            "split", "sample", split, flag_values=[0, 1, 2], flag_meanings=" ".join(layout.SPLITS)
        )
        for key, values in header.parameters.items():
            kept = values[: self.num_samples].astype(np.float64)
            self._vector(layout.PARAMETER + key, "sample", kept, units=layout.DIMENSIONLESS)

    def _vector(self, name: str, axis: str, values: np.ndarray, **attributes: Any) -> None:
        self.group.create_array(
            name,
            data=values,
            chunks=values.shape,
            compressors=None,
            dimension_names=(axis,),
            attributes=attributes,
        )

    def _attributes(self, training: list[int], provenance: dict[str, Any]) -> dict[str, Any]:
        header = self.header
        statistics = self.statistics.summary(training)
        described = [
            layout.describe(field, is_static=is_static, statistics=statistics[field.name])
            for is_static, fields in (
                (False, header.spec.fields),
                (True, header.static_fields),
            )
            for field in fields
        ]
        grid = header.spec.grid
        return {
            "matey_layout": layout.LAYOUT,
            "dataset": self.name,
            "fields": described,
            "axes": list(grid.axes),
            "spacing": list(grid.spacing),
            "boundary": dict(zip(grid.axes, grid.boundary, strict=True)),
            "time_step": header.spec.time_step,
            "provenance": provenance,
        }
