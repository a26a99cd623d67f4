"""Files that the loader's benchmark reads: as published, and as stores of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np

from matey_core.workflows.prepare import PrepareConfig, prepare

FRAMES, SPACE = 101, (128, 128)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of PDEBench, and how its files lie."""

    name: str
    file: str
    samples: int
    fields: int
    axes: str
    storage: dict[str, object]
    """Of HDF5; contiguous if empty."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """A source and its stores."""

    family: Family
    source: Path
    plain: Path
    lz4: Path


FAMILIES = (
    Family(
        name="shallow water, contiguous",
        file="2D_rdb_NA_NA.h5",
        samples=64,
        fields=1,
        axes="xy",
        storage={},
    ),
    Family(
        name="diffusion–reaction, 256 lzf chunks a frame",
        file="2D_diff-react_NA_NA.h5",
        samples=16,
        fields=2,
        axes="yx",
        storage={"chunks": (13, 16, 32, 1), "compression": "lzf"},
    ),
)


@contextmanager
def made(family: Family) -> Iterator[Files]:
    """Write the source, convert it twice, and remove all of it in the end."""
    with TemporaryDirectory(prefix="matey-bench-") as name:
        folder = Path(name)
        source = folder / family.file
        _write(source, family)
        for compress in ("none", "lz4"):
            prepare(
                PrepareConfig(source=source, out=folder / compress, compress=compress, workers=1)
            )
        store = f"{source.stem}.zarr"
        yield Files(
            family=family,
            source=source,
            plain=folder / "none" / store,
            lz4=folder / "lz4" / store,
        )


def _write(path: Path, family: Family) -> None:
    """Waves of all lengths, which compress about as well as the published fields."""
    rng = np.random.default_rng(0)
    x = 2 * np.pi * np.arange(SPACE[0]) / SPACE[0]
    times = np.linspace(0, 1, FRAMES, dtype=np.float32)
    with h5py.File(path, "w") as file:
        for sample in range(family.samples):
            values = np.empty((FRAMES, *SPACE, family.fields), np.float32)
            for field in range(family.fields):
                values[..., field] = _waves(rng, x, times)
            group = file.create_group(f"{sample:04d}")
            group.create_dataset("data", data=values, **family.storage)
            group["grid/t"] = times
            for axis in family.axes:
                group[f"grid/{axis}"] = x.astype(np.float32)
            config = "2d_rdb" if family.fields == 1 else "2d_diff-react"
            group.attrs["config"] = f"name: {config}\n"


def _waves(rng: np.random.Generator, x: np.ndarray, times: np.ndarray) -> np.ndarray:
    total = np.ones((len(times), len(x), len(x)))
    for number in range(1, 9):
        phases = rng.uniform(0, 2 * np.pi, 2)
        along = np.sin(number * x[None] + phases[0] + 3 * number * times[:, None])
        across = np.sin(number * x + phases[1])
        total += along[:, :, None] * across / number**2 / 5
    return total
