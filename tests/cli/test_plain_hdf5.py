"""What `matey` says of a file of HDF5 or MATLAB that does not tell what is in it."""

import json
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from matey_core.readers.hdf5.contents import contents_of
from tests.command import Matey
from tests.support_well import wave

GRID = (8, 10)


def stacked(path: Path) -> None:
    """One array, components last."""
    with h5py.File(path, "w") as file:
        file["data"] = wave(5, 8, *GRID, 2)


def scalars_and_vectors(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["density"], file["velocity"] = wave(5, 8, *GRID), wave(5, 8, *GRID, 2)


def groups(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for sample in range(5):
            file[f"run_{sample}/u"] = file[f"run_{sample}/v"] = wave(8, *GRID)
            file[f"run_{sample}/t"] = np.arange(8.0)


def numbered(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for time in range(4):
            file[f"fields/h_{time:04d}"] = wave(*GRID)


def positions(path: Path) -> None:
    """The lengths of positions tell which dim is which."""
    with h5py.File(path, "w") as file:
        file["out/p"] = wave(10, 3, 8)
        file["out/t"], file["out/x"], file["out/y"] = np.arange(3), np.arange(10.0), np.arange(8.0)


def matlab(path: Path) -> None:
    scipy.io.savemat(path, {"a": wave(6, 64), "u": wave(6, 64), "visc": 0.1})


FILES = {
    stacked: "--fields data --dims sample,time,y,x,field",
    scalars_and_vectors: "--fields velocity,density --dims sample,time,y,x,component "
    "--component-dim component",
    groups: "--fields 'u=*/u,v=*/v' --dims sample,time,y,x",
    numbered: "--fields 'h=fields/h_*' --dims time,y,x",
    positions: "--fields p=out/p --dims x,time,y",
    matlab: "--fields a,u --dims sample,x",
}


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_the_proposal_works(make, matey: Matey, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / ("mine.mat" if make is matlab else "mine.h5")
    make(path)
    command = f"prepare hdf5 {path} {FILES[make]}"
    assert shlex.join(contents_of(path).command) == command
    auto = matey("prepare", "auto", path)
    assert auto.returncode == 2
    assert f"matey {command}" in auto.stderr.replace("\n  ", " ").replace("\n", " ")
    done = matey(*shlex.split(command), "--dry-run")
    assert done.returncode == 0, done.stderr


def test_all_that_is_inside_is_listed(matey: Matey, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["out/u"] = wave(5, 8, *GRID)
        file["out/u"].attrs["units"] = "m/s"
        file["label"] = "\x1b[2J"
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/u")
        file.attrs["code"] = "mine 1.0"
    done = matey("data", "inspect", tmp_path / "a.h5")
    assert done.returncode == 0
    for text in ("@code", "mine 1.0", "out/u", "5×8×8×10", "float32", "text", "units = m/s"):
        assert text in done.stdout
    assert "Left alone, as their values lie in other files or nowhere: elsewhere." in done.stderr
    assert "--fields u=out/u --dims sample,time,y,x" in done.stderr
    report = json.loads(matey("data", "inspect", tmp_path / "a.h5", "--json").stdout)
    (found,) = report["contents"]
    assert [row["path"] for row in found["arrays"]] == ["label", "out/u"]
    assert found["arrays"][1]["shape"] == [5, 8, *GRID]


def test_a_file_without_fields(matey: Matey, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["n"] = np.arange(5)
    assert "so there is no field" in matey("data", "inspect", tmp_path / "a.h5").stderr
    assert matey("prepare", "auto", tmp_path / "a.h5").returncode == 2
