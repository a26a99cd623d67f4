"""Ways to read a few frames into a place that is there: ours, and the usual ones."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr

from bench._loader_files import FRAMES, SPACE, Files
from matey_core.store import open_store

HISTORY = 4
Places = list[tuple[int, int]]
"""Sample and first frame of each window of a batch."""
Method = Callable[[np.ndarray, Places], None]
"""(out: (b, t, c, *space) float32, places) reads windows."""


@contextmanager
def methods(files: Files) -> Iterator[dict[str, Method]]:
    """Open the same values in all ways."""
    with ExitStack() as stack:
        source = stack.enter_context(h5py.File(files.source))
        found: dict[str, Method] = {
            "h5py": _each(partial(_h5py, source, sorted(source))),
            "numpy.memmap": _each(partial(_memmap, _maps(files))),
            "matey": _ours(files.plain),
            "matey, announced": _ours(files.plain, announces=True),
            "matey, lz4": _ours(files.lz4),
            "zarr": _each(partial(_zarr, _arrays(files.plain))),
            "zarr, lz4": _each(partial(_zarr, _arrays(files.lz4))),
        }
        if importlib.util.find_spec("zarrs"):
            with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
                found["zarrs"] = _each(partial(_zarr, _arrays(files.plain)))
                found["zarrs, lz4"] = _each(partial(_zarr, _arrays(files.lz4)))
        yield found


def _each(one: Callable[[np.ndarray, int, int], None]) -> Method:
    """Read window by window."""

    def read(out: np.ndarray, places: Places) -> None:
        for number, (sample, start) in enumerate(places):
            one(out[number], sample, start)

    return read


def _ours(path: Path, *, announces: bool = False) -> Method:
    store = open_store(path)

    def read(out: np.ndarray, places: Places) -> None:
        if announces:
            store.announce([(sample, start, start + HISTORY) for sample, start in places])
        for number, (sample, start) in enumerate(places):
            store.read_into(out[number], sample, start, start + HISTORY)

    return read


def _h5py(source: h5py.File, keys: list[str], out: np.ndarray, sample: int, start: int) -> None:
    out[:] = np.moveaxis(source[keys[sample]]["data"][start : start + HISTORY], -1, 1)


def _maps(files: Files) -> list[list[np.ndarray]]:
    """Map each chunk, which holds the frames of one sample and field."""
    names = open_store(files.plain).spec.names
    return [
        [
            np.memmap(files.plain / name / f"c/{sample}/0/0/0", "<f4", "r", shape=(FRAMES, *SPACE))
            for name in names
        ]
        for sample in range(files.family.samples)
    ]


def _memmap(maps: list[list[np.ndarray]], out: np.ndarray, sample: int, start: int) -> None:
    for channel, frames in enumerate(maps[sample]):
        out[:, channel] = frames[start : start + HISTORY]


def _arrays(path: Path) -> list[Any]:
    group = zarr.open_group(path, mode="r")
    described: Any = group.attrs["fields"]
    return [group[field["name"]] for field in described]


def _zarr(arrays: list[Any], out: np.ndarray, sample: int, start: int) -> None:
    for channel, array in enumerate(arrays):
        out[:, channel] = array[sample, start : start + HISTORY]
