"""Fields keep the names of their source, or are refused before anything is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.errors import DataError
from matey_core.store import Split, open_store, write_store
from matey_core.store.writer import Storage
from matey_core.workflows.data_inspect import inspect_data
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_source
from tests.support_well import well_file

VALUES = np.random.default_rng(0).normal(size=(4, 5, 6, 8)).astype(np.float32)
DIMS = ("sample", "time", "y", "x")


def netcdf(folder: Path, name: str) -> PrepareConfig:
    xr.Dataset({name: (DIMS, VALUES)}).to_netcdf(folder / "a.nc", engine="h5netcdf")
    return PrepareConfig(source=folder / "a.nc", reader="netcdf")


def zarr_group(folder: Path, name: str) -> PrepareConfig:
    xr.Dataset({name: (DIMS, VALUES)}).to_zarr(folder / "a.zarr", zarr_format=2)
    return PrepareConfig(source=folder / "a.zarr", reader="array", out=folder / "out")


def npz(folder: Path, name: str) -> PrepareConfig:
    np.savez(folder / "a.npz", **{name: VALUES})
    return PrepareConfig(source=folder / "a.npz", reader="array", dims=DIMS)


def npy(folder: Path, name: str) -> PrepareConfig:
    np.save(folder / "a.npy", VALUES)
    return PrepareConfig(source=folder / "a.npy", reader="array", dims=DIMS, fields=(name,))


def the_well(folder: Path, name: str) -> PrepareConfig:
    def rename(file: h5py.File) -> None:
        group = file["t0_fields"]
        group.move("tracer", name)
        names = [name if old == "tracer" else old for old in group.attrs["field_names"]]
        group.attrs["field_names"] = names

    path = well_file(folder / "a.hdf5", change=rename)
    return PrepareConfig(source=path, reader="the_well", out=folder / "out")


Make = Callable[[Path, str], PrepareConfig]
MAKERS = [netcdf, zarr_group, npz, npy, the_well]
STORED = ["2m_temperature", "mass density", "p,q", "u.v", "T-T0", "α", "class", "c", "u'"]
REFUSED = ["sample_time", "param_u", "zarr.json", "split", "_u", "u" * 201, "a\x1bb", "a\u202eb"]


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("make", MAKERS)
def test_a_stored_name_can_be_read_again(tmp_path: Path, make: Make, name: str) -> None:
    config = make(tmp_path, name)
    (row,) = prepare(config).rows
    store = open_store(row.store)
    assert name in store.spec.names
    (described,) = inspect_data(row.store).items
    assert name in [field.name for field in described.fields]
    with xr.open_zarr(row.store) as data:
        read = store.read(0, 0, 2)[:, store.spec.names.index(name)]
        np.testing.assert_array_equal(data[name].values[0, :2], read)
    if make is not the_well:
        np.testing.assert_array_equal(store.read(1, 0, 5)[:, 0], VALUES[1])
    assert prepare(config).rows[0].status == "unchanged"


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("make", MAKERS)
def test_other_names_are_refused_before_writing(tmp_path: Path, make: Make, name: str) -> None:
    config = make(tmp_path, name)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=r"name of a field|no plain name"):
        prepare(config)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_store_itself_refuses_what_it_could_not_read(tmp_path: Path) -> None:
    from matey_core.readers import READERS

    source = READERS["pdebench"]().open(tiny_source(tmp_path / "a.h5"))
    spec = source.header.spec
    fields = (replace(spec.fields[0], name="a/b"), *spec.fields[1:])
    source.header = replace(source.header, spec=replace(spec, fields=fields))
    with pytest.raises(DataError, match="'a/b' cannot be the name"):
        write_store(
            source,
            tmp_path / "out" / "a.zarr",
            num_samples=2,
            split=Split(),
            provenance=dict,
            storage=Storage(),
        )
    assert not (tmp_path / "out").exists()


def test_a_bad_store_does_not_lock_its_folder(tmp_path: Path) -> None:
    bad = tmp_path / "zarr" / "bad.zarr"
    bad.mkdir(parents=True)
    (bad / "zarr.json").write_text("{}")
    config = npy(tmp_path, "u")
    assert [row.status for row in prepare(config).rows] == ["converted"]
    assert [row.status for row in prepare(config).rows] == ["unchanged"]
    report = inspect_data(tmp_path / "zarr")
    assert ([found.name for found in report.items], len(report.failures)) == (["a"], 1)
    np.save(tmp_path / "bad.npy", VALUES + 1)
    other = config.model_copy(update={"source": tmp_path / "bad.npy"})
    with pytest.raises(DataError, match=r"bad\.zarr"):
        prepare(other)
