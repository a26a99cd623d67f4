"""The examples of the guides to NetCDF, arrays and HDF5 run as they are printed."""

import re
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

from matey_cli.app import app
from tests.conftest import SHARED

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
THERMALS = SHARED / "data" / "thermals"


def run(page: str) -> dict[str, object]:
    """Run the page's commands, then its Python, in the working directory."""
    text = (GUIDES / page).read_text("utf-8")
    for line in re.findall(r"^    matey (.*)$", text, re.MULTILINE):
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == 0, done.output
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, object] = {"__name__": page}
    exec(compile(block, page, "exec"), names)
    return names


@pytest.mark.skipif(not THERMALS.exists(), reason=f"needs {THERMALS}")
def test_netcdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("thermals").mkdir()
    files = sorted(THERMALS.glob("*.nc"))[:3]
    for path in files:
        Path("thermals", path.name).symlink_to(path)
    names = run("netcdf.md")
    assert capsys.readouterr().out == (
        "('theta', 'velocity_x') ('z', 'x') (64, 128)\n3 trajectories of 31 frames\n"
    )
    with xarray.open_zarr("thermals/zarr/thermals.zarr") as store:
        for sample, path in enumerate(files):
            with xarray.open_dataset(path, engine="h5netcdf") as data:
                theta = (data["theta"] + data["hy_theta"]).astype(np.float32)
                np.testing.assert_array_equal(store["theta"][sample], theta)
                np.testing.assert_array_equal(store["uwnd"][sample], data["uwnd"])
        np.testing.assert_array_equal(names["first_frames"][:, 0], store["theta"][0, :4])  # type: ignore[index]


def test_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("arrays").mkdir()
    Path("lattice").mkdir()
    for index in range(3):
        velocity = np.random.default_rng(index).uniform(1, 2, (1, 16, 16, 2))
        velocity = velocity * np.linspace(1, 1.1, 5)[:, None, None, None]
        solid = np.eye(16, dtype=bool)
        np.savez(f"lattice/{index}.npz", rho=velocity[..., 0], u=velocity, obstacle=solid)
    # Noise that grows slowly from frame to frame, so that the check finds no copies or jumps.
    drawn = np.random.default_rng(0).uniform(1, 2, (6, 1, 16, 16, 2)).astype(np.float32)
    values = drawn * np.linspace(1, 1.1, 5, dtype=np.float32)[:, None, None, None]
    np.save("arrays/flow.npy", values)
    names = run("array.md")
    assert capsys.readouterr().out == (
        "('density', 'velocity_x') ('y', 'x') (16, 16)\n6 trajectories of 5 frames\n"
    )
    np.testing.assert_array_equal(names["first_frames"], np.moveaxis(values[0, :4], -1, 1))  # type: ignore[arg-type]
    with xarray.open_zarr("arrays/zarr/arrays.zarr") as store:
        np.testing.assert_array_equal(store["density"], values[..., 0])
        np.testing.assert_allclose(store["time"], 0.1 * np.arange(5))


def test_hdf5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).uniform(1, 2, (6, 1, 16, 16, 3)).astype(np.float32)
    values = values * np.linspace(1, 1.1, 5, dtype=np.float32)[:, None, None, None]
    with h5py.File("mine.h5", "w") as file:
        file["out/u"], file["out/vel"] = values[..., 0], values[..., 1:]
        file["x"], file["y"], file["t"] = np.arange(16) / 8, np.arange(16) / 4, np.arange(5.0)
    names = run("hdf5.md")
    assert capsys.readouterr().out == (
        "('u', 'velocity_x', 'velocity_y') ('y', 'x') (0.25, 0.125) 1.0\n"
    )
    np.testing.assert_array_equal(names["first_frames"], np.moveaxis(values[0, :4], -1, 1))  # type: ignore[arg-type]
    with xarray.open_zarr("zarr/mine.zarr") as store:
        np.testing.assert_array_equal(store["velocity_y"], values[..., 2])
