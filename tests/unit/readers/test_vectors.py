"""Components of vectors in files: by name, by CF, by `--vector`; mirrors keep the physics."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from matey_core.augmentations._symmetries import symmetries
from matey_core.errors import ConfigError
from matey_core.readers import ReaderOptions
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_store

POINTS = 16
PLACES = 2 * np.pi * np.arange(POINTS) / POINTS


def flow() -> tuple[np.ndarray, np.ndarray]:
    """(time, y, x) the components of a flow without divergence."""
    t, y, x = np.meshgrid(np.arange(6), PLACES, PLACES, indexing="ij")
    u = np.cos(x - 0.1 * t) * np.sin(y) + 0.3 * np.sin(2 * y)
    v = -np.sin(x - 0.1 * t) * np.cos(y)
    return u.astype(np.float32), v.astype(np.float32)


def divergence(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Central differences of (…, y, x)."""
    return (np.roll(u, -1, -1) - np.roll(u, 1, -1) + np.roll(v, -1, -2) - np.roll(v, 1, -2)) / 2


def write(path: Path, names: tuple[str, str], unit: str = "", *, is_cf: bool = False) -> None:
    standard = [{"standard_name": name} for name in ("x_wind", "y_wind")] if is_cf else [{}, {}]
    dims = ("time", "y", "x")
    data = xr.Dataset(
        {
            name: (dims, values, {"units": unit, **more} if unit else more)
            for name, values, more in zip(names, flow(), standard, strict=True)
        },
        {"time": np.arange(6.0), "y": PLACES, "x": PLACES},
    )
    data.to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize(
    ("names", "unit", "is_cf", "vector"),
    [
        (("U10", "V10"), "m s-1", True, ()),
        (("U10", "V10"), "", False, ()),
        (("ux", "uy"), "", False, ()),
        (("uo", "vo"), "m s-1", False, ()),
        (("ua", "va"), "meter second-1", False, ()),
        (("vel1", "vel2"), "", False, ()),
        (("x_velocity", "y_velocity"), "", False, ()),
        (("u", "v"), "m/sec", False, ()),
        (("a", "b"), "", True, ()),
        (("a", "b"), "", False, ("a,b",)),
        (("b", "a"), "", False, ("b=x,a=y",)),
        (("u", "v"), "", False, ("u,v", "none")),
    ],
)
def test_the_mirror_of_a_flow_without_divergence_has_none(
    tmp_path: Path, names: tuple[str, str], unit: str, is_cf: bool, vector: tuple[str, ...]
) -> None:
    write(tmp_path / "flow.nc", names, unit, is_cf=is_cf)
    config = PrepareConfig(
        reader="netcdf", source=tmp_path / "flow.nc", boundary=("periodic",), vector=vector
    )
    report = prepare(config)
    assert "look like" not in report.rows[0].note
    store = open_store(tmp_path / "zarr" / "flow.zarr")
    group = symmetries(store.spec)
    assert len(group) == 8
    order = [store.spec.names.index(name) for name in names]
    frames = torch.from_numpy(store.read(0, 0, 6))
    for symmetry in group:
        u, v = np.moveaxis(symmetry(frames).numpy()[:, order], 1, 0)
        assert np.abs(divergence(u, v)).max() < 1e-5


@pytest.mark.parametrize("vector", [(), ("none",)])
def test_what_is_not_certain_is_said(tmp_path: Path, vector: tuple[str, ...]) -> None:
    write(tmp_path / "flow.nc", ("u", "v"))
    header = NetcdfReader(ReaderOptions(vector=vector)).open(tmp_path / "flow.nc").header
    assert [field.component for field in header.spec.fields] == [(), ()]
    assert [field.vector for field in header.spec.fields] == [*("uv" if vector else ("", ""))]
    assert any("--vector u,v" in note for note in header.notes) is not bool(vector)


def test_channels_without_names_may_be_a_vector(tmp_path: Path) -> None:
    np.save(tmp_path / "runs.npy", np.zeros((2, 3, 4, 5, 2), np.float32))
    dims = ("sample", "time", "y", "x", "field")
    (note,) = ArrayReader(ReaderOptions(dims=dims)).open(tmp_path / "runs.npy").header.notes
    assert "--vector u0,u1" in note
    named = ReaderOptions(dims=dims, vector=("u0,u1",))
    header = ArrayReader(named).open(tmp_path / "runs.npy").header
    assert [field.component for field in header.spec.fields] == [("x",), ("y",)]
    assert header.notes == ()


def test_components_lie_along_the_axes_that_there_are(tmp_path: Path) -> None:
    np.savez(tmp_path / "slice.npz", p=np.zeros((3, 4, 5)), q=np.ones((3, 4, 5)))
    options = ReaderOptions(dims=("time", "z", "x"), vector=("p,q",))
    header = ArrayReader(options).open(tmp_path / "slice.npz").header
    assert [field.component for field in header.spec.fields] == [("x",), ("z",)]
    assert header.spec.fields[0].quantity == header.spec.fields[1].quantity


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (("p,r",), "names r; there are p, q"),
        (("p=x,q=x",), "does not tell along which axes"),
        (("p=x,q=w",), "does not tell along which axes"),
        (("p=x,q",), "does not tell along which axes"),
        (("p",), "does not tell along which axes"),
        (("p,q", "p=x"), "names p twice"),
        (("p=",), "has an entry 'p='"),
    ],
)
def test_mistakes_are_said(tmp_path: Path, vector: tuple[str, ...], message: str) -> None:
    np.savez(tmp_path / "slice.npz", p=np.zeros((3, 4, 5)), q=np.ones((3, 4, 5)))
    with pytest.raises(ConfigError, match=message):
        ArrayReader(ReaderOptions(dims=("time", "z", "x"), vector=vector)).open(
            tmp_path / "slice.npz"
        )


def test_readers_that_know_their_vectors_take_no_such_option(tmp_path: Path) -> None:
    store = tiny_store(tmp_path)
    with pytest.raises(ConfigError, match="takes no --vector"):
        prepare(PrepareConfig(source=store.parents[1], vector=("density,velocity_x",)))
