"""Missing values are found, whatever type the attribute has that marks them."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import DataError
from matey_core.readers import READERS, ReaderOptions

VALUES = np.arange(3 * 4 * 5, dtype="f4").reshape(3, 4, 5)


@pytest.mark.parametrize("mark", [1e20, -999.9, np.float32(1e20), 1e300, np.nan, -9999.0])
@pytest.mark.parametrize("reader", ["netcdf", "netcdf3", "hdf5", "array"])
def test_marks_of_another_type(tmp_path: Path, reader: str, mark: float) -> None:
    with np.errstate(over="ignore"):
        values = np.where(VALUES % 7 == 0, np.float32(mark), VALUES)
    data = xr.Dataset({"T": (("time", "y", "x"), values, {"missing_value": mark})})
    path = tmp_path / ("a.zarr" if reader == "array" else "a.nc")
    if reader == "array":
        data.to_zarr(path, zarr_format=2)
    else:
        data.to_netcdf(path, engine="scipy" if reader == "netcdf3" else "h5netcdf")
    source = READERS[reader.removesuffix("3")](ReaderOptions()).open(path)
    expected = np.where(VALUES % 7 == 0, np.nan, VALUES)
    np.testing.assert_array_equal(source.read(0, 0, 3)[:, 0], expected)
    assert source.header.dtype == np.dtype("f4")


def test_what_lies_in_groups_alone_is_named(tmp_path: Path) -> None:
    data = xr.Dataset({"T": (("time", "y", "x"), VALUES)})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", group="flow")
    with pytest.raises(DataError, match="Not looked at: what lies in the groups flow") as caught:
        READERS["netcdf"](ReaderOptions()).open(tmp_path / "a.nc")
    assert "The reader hdf5 reads groups" in caught.value.remedy
    options = ReaderOptions(fields=("T=flow/T",), dims=("time", "y", "x"))
    source = READERS["hdf5"](options).open(tmp_path / "a.nc")
    np.testing.assert_array_equal(source.read(0, 0, 3)[:, 0], VALUES)


def test_proposed_dims_are_those_of_one_variable(tmp_path: Path) -> None:
    inner, outer = (("t", "s", name, f"{name}_x") for name in ("a", "b"))
    fields = {"u": (inner, np.ones((3, 2, 4, 5), "f4")), "v": (outer, np.ones((3, 2, 5, 4), "f4"))}
    xr.Dataset(fields).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(DataError, match="no variable has one to three space axes") as caught:
        READERS["netcdf"](ReaderOptions()).open(tmp_path / "a.nc")
    assert "--dims time=t,z=s,y=a,x=a_x" in caught.value.remedy
