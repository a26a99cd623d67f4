"""Ways through matey, from the README only, each typed into a terminal of 80 × 24."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from tests.terminal import Terminal

FRAMES, STEP = 24, 0.02
README = "All that was typed stands in the README, with other minutes, or in an answer."
MINUTES = "0.5"
"""Of a training, as short as gives some steps on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What is there at first, and what is typed."""

    name: str
    title: str
    begins: str
    """What the folder holds, in a sentence."""
    prepare: Callable[[Path], None]
    walk: Callable[[Terminal], None]
    ends: tuple[str, ...]
    """Files that must be there in the end, as patterns."""
    picture: str = ""
    """One of them that its page shows."""


def blobs(samples: int, rows: int, columns: int) -> np.ndarray:
    """Spots that drift and spread in a periodic box: (samples, frames, rows, columns)."""
    random = np.random.default_rng(0)
    y, x = np.meshgrid(np.arange(rows) / rows, np.arange(columns) / columns, indexing="ij")
    time = STEP * np.arange(FRAMES)[:, None, None]
    found = []
    for left, low, height in random.uniform((0, 0, 0.5), (1, 1, 1.5), (samples, 3)):
        across = np.mod(x - left - time + 0.5, 1) - 0.5
        up = np.mod(y - low - 0.5 * time + 0.5, 1) - 0.5
        found.append(height * np.exp(-(across**2 + up**2) / (0.02 + 0.02 * time)))
    return np.stack(found).astype("f4")


def netcdf_files(folder: Path) -> None:
    """Write a file a trajectory, with dims whose names tell nothing."""
    (folder / "simulations").mkdir()
    for index, values in enumerate(blobs(8, 30, 45)):
        data = xr.Dataset(
            {"T": (("zeit", "lev", "breite"), 280 + 10 * values, {"units": "K"})},
            coords={
                "zeit": ("zeit", STEP * np.arange(FRAMES), {"units": "s"}),
                "lev": ("lev", 100.0 * np.arange(30), {"units": "m"}),
                "breite": ("breite", 100.0 * np.arange(45), {"units": "m"}),
            },
        )
        data.to_netcdf(folder / f"simulations/case_{index:02}.nc", engine="h5netcdf")


def hdf5_file(folder: Path) -> None:
    """Write one file of all trajectories, in a layout of its own."""
    with h5py.File(folder / "output.h5", "w") as file:
        file["fields/vorticity"] = blobs(10, 28, 36)
        file["mesh/x"] = np.arange(36) / 36
        file["mesh/y"] = np.arange(28) / 28
        file["time"] = STEP * np.arange(FRAMES)


def own_netcdf(shell: Terminal) -> None:
    """From NetCDF files with odd dims to a forecast beyond the truth."""
    shell.type("matey prepare ./simulations")
    shell.type(proposal(shell))
    shell.type(f"matey pretrain --data simulations --minutes {MINUTES}")
    shell.type("matey rollout --steps 40")


def own_hdf5(shell: Terminal) -> None:
    """From one HDF5 file to a forecast beyond the truth."""
    shell.type("matey prepare output.h5")
    shell.type(proposal(shell))
    shell.type(f"matey pretrain --data zarr --minutes {MINUTES}")
    shell.type("matey rollout --steps 40")


def two_runs(shell: Terminal) -> None:
    """From simulated data to two runs, one of which is shared and loaded in Python."""
    shell.type("matey simulate diffusion-reaction --samples 10 --grid 24 --steps 24 --out ./data")
    shell.type("matey prepare pdebench ./data")
    shell.type(f"matey pretrain --minutes {MINUTES}")
    shell.type(f"matey pretrain --variant unet --minutes {MINUTES}")
    shell.type("matey runs")
    shell.type("matey compare pretrain-001 pretrain-002")
    shell.type("matey report pretrain-001")
    shell.type("matey push pretrain-001 me/first --hub ./hub")
    shell.type("matey pull me/first --hub ./hub")
    shell.python(
        "import matey_core, xarray",
        'data = xarray.open_zarr("data/zarr/2D_diff-react_NA_NA.zarr").isel(sample=0)',
        'forecast = matey_core.load("runs/me--first").predict(data, steps=20)',
        "forecast.sizes",
    )


def cells(shell: Terminal) -> None:
    """From simulated data to the cells that a model would cut a field into."""
    shell.type("matey simulate shallow-water --samples 8 --grid 64 --steps 40 --out ./data")
    shell.type("matey prepare pdebench ./data")
    shell.type("matey tokenize-inspect --patch 16,4 --ratio 0.3 --save cells.png")


def dam_break(shell: Terminal) -> None:
    """From simulated data to a model that is better than what needs no training."""
    shell.type("matey simulate shallow-water --samples 24 --grid 64 --steps 50 --out ./data")
    shell.type("matey prepare pdebench ./data")
    shell.type("matey pretrain --minutes 3")
    shell.type("matey rollout --steps 60")


def proposal(shell: Terminal) -> str:
    """The command that the last answer proposes, put together from the lines of the screen."""
    words: list[str] = []
    for line in reversed(list(_answer(shell))):
        words.insert(0, line.strip())
        if "matey prepare" in line:
            return " ".join(words).partition("it may be: ")[2]
    raise AssertionError(f"No command is proposed:\n{shell.text()}")


def _answer(shell: Terminal) -> Iterator[str]:
    lines = shell.text().splitlines()
    start = max(index for index, line in enumerate(lines) if line.startswith("error:"))
    yield from (line for line in lines[start:] if line.strip() not in ("", "$"))


JOURNEYS = (
    Journey(
        name="netcdf",
        title="From NetCDF files to a forecast",
        begins="`simulations` holds eight NetCDF files, a trajectory each, of a field `T` with the "
        "dims `zeit`, `lev` and `breite`. " + README,
        prepare=netcdf_files,
        walk=own_netcdf,
        ends=("runs/pretrain-001/rollout/simulations.png", "runs/pretrain-001/report.html"),
        picture="runs/pretrain-001/rollout/simulations.png",
    ),
    Journey(
        name="hdf5",
        title="From an HDF5 file to a forecast",
        begins="`output.h5` has ten trajectories in one array, beside its positions and times. "
        + README,
        prepare=hdf5_file,
        walk=own_hdf5,
        ends=("runs/pretrain-001/rollout/output.png", "runs/pretrain-001/report.html"),
        picture="runs/pretrain-001/rollout/output.png",
    ),
    Journey(
        name="share",
        title="From two runs to a shared model",
        begins="The folder is empty. " + README,
        prepare=lambda folder: None,
        walk=two_runs,
        ends=("runs/pretrain-00[12]/report.html", "runs/me--first/README.md", "hub/me/first/*.md"),
    ),
    Journey(
        name="shallow-water",
        title="Three minutes of training",
        begins="The folder is empty.",
        prepare=lambda folder: None,
        walk=dam_break,
        ends=("runs/pretrain-001/rollout/2D_rdb_NA_NA.png", "runs/pretrain-001/report.html"),
        picture="runs/pretrain-001/rollout/2D_rdb_NA_NA.png",
    ),
    Journey(
        name="cells",
        title="Cells where something happens",
        begins="The folder is empty.",
        prepare=lambda folder: None,
        walk=cells,
        ends=("cells.png",),
        picture="cells.png",
    ),
)
