"""One file that cannot be read costs that file, and no source beside it."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from tests.command import Matey, Result
from tests.support import tiny_source
from tests.support_well import well_dataset


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two sources that can be read, and three files that cannot."""
    folder = tmp_path / "mixed"
    tiny_source(folder / "good.h5")
    tiny_source(folder / "inner" / "other.h5", fields=("height",))
    cut = tiny_source(folder / "cut.h5", samples=5)
    cut.write_bytes(cut.read_bytes()[:-100])
    (folder / "bad.nc").write_bytes(b"no NetCDF")
    (folder / "zero.npy").write_bytes(bytes(200))
    return folder


def ends(result: Result, code: int) -> Result:
    assert result.returncode == code, result.stderr
    return result


def names_of(document: dict, key: str = "failures") -> list[str]:
    return sorted(Path(row["path"]).name for row in document[key])


def stores(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "zarr").glob("*"))


def test_prepare_converts_all_others_and_names_these(matey: Matey, mixed: Path) -> None:
    said = ends(matey("prepare", str(mixed)), 1)
    for name, reason in (
        ("cut.h5", "is truncated"),
        ("bad.nc", "is named like NetCDF but is not"),
        ("zero.npy", "is named like NumPy's files but is none"),
    ):
        assert f"{name} {reason}" in " ".join(said.stderr.split())
    assert stores(mixed) == ["good.zarr", "other.zarr"]


def test_the_document_has_them_and_the_next_call_goes_on(matey: Matey, mixed: Path) -> None:
    first = json.loads(ends(matey("prepare", "auto", str(mixed), "--json"), 1).stdout)
    assert names_of(first) == ["bad.nc", "cut.h5", "zero.npy"]
    assert [row["status"] for row in first["rows"]] == ["converted", "converted"]
    tiny_source(mixed / "cut.h5", samples=5)
    (mixed / "bad.nc").unlink()
    (mixed / "zero.npy").unlink()
    second = json.loads(ends(matey("prepare", str(mixed), "--json"), 0).stdout)
    status = {Path(row["source"]).name: row["status"] for row in second["rows"]}
    assert status == {"good.h5": "unchanged", "other.h5": "unchanged", "cut.h5": "converted"}
    assert second["failures"] == []


def test_values_that_are_not_finite_cost_their_source_alone(matey: Matey, tmp_path: Path) -> None:
    tiny_source(tmp_path / "a.h5")
    tiny_source(tmp_path / "b.h5", samples=5)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        name = next(k for k in file if file[k].ndim > 2)
        file[name][0, 0] = np.nan
    found = json.loads(ends(matey("prepare", str(tmp_path), "--json"), 1).stdout)
    assert names_of(found) == ["a.h5"]
    assert stores(tmp_path) == ["b.zarr"]


def test_inspect_describes_all_others(matey: Matey, mixed: Path) -> None:
    found = json.loads(ends(matey("data", "inspect", str(mixed), "--json"), 0).stdout)
    assert names_of(found) == ["bad.nc", "cut.h5", "zero.npy"]
    assert names_of(found, "items") == ["good.h5", "other.h5"]


def test_where_nothing_can_be_read_it_is_an_error(matey: Matey, mixed: Path) -> None:
    (mixed / "good.h5").unlink()
    (mixed / "inner" / "other.h5").unlink()
    for words in (("prepare",), ("data", "inspect")):
        said = ends(matey(*words, str(mixed)), 2)
        assert "error:" in said.stderr
    assert not (mixed / "zarr").exists()


def test_a_dataset_is_not_converted_without_one_of_its_files(matey: Matey, tmp_path: Path) -> None:
    well_dataset(tmp_path / "well")
    tiny_source(tmp_path / "good.h5")
    part = min((tmp_path / "well").rglob("*.h*5"))
    part.write_bytes(part.read_bytes()[:-100])
    said = ends(matey("prepare", str(tmp_path)), 1)
    assert "would be incomplete without" in " ".join(said.stderr.split())
    assert stores(tmp_path) == ["good.zarr"]


def netcdf(path: Path, start: float = 0.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [
        [[float(start) + 10 * t + 2 * y + x for x in range(4)] for y in range(4)] for t in range(4)
    ]
    axes = {"time": [0.0, 1.0, 2.0, 3.0], "y": [0.0, 1, 2, 3], "x": [0.0, 1, 2, 3]}
    data = xr.Dataset({"u": (("time", "y", "x"), values)}, coords=axes)
    for name, axis in (("time", "T"), ("y", "Y"), ("x", "X")):
        data[name].attrs["axis"] = axis
    data.to_netcdf(path, engine="scipy")


def test_files_of_one_structure_fail_with_the_damaged_one(matey: Matey, tmp_path: Path) -> None:
    tiny_source(tmp_path / "good.h5")
    for number in range(3):
        netcdf(tmp_path / "runs" / f"{number}.nc", number)
    (tmp_path / "runs" / "1.nc").write_bytes(b"no NetCDF")
    found = json.loads(ends(matey("prepare", str(tmp_path), "--json"), 1).stdout)
    assert names_of(found) == ["1.nc", "runs"]
    assert "incomplete without 1.nc" in found["failures"][1]["problem"]
    assert stores(tmp_path) == ["good.zarr"]


def test_a_damaged_file_of_another_kind_is_no_part(matey: Matey, tmp_path: Path) -> None:
    for number in range(2):
        netcdf(tmp_path / "runs" / f"{number}.nc", number)
    (tmp_path / "runs" / "cut.h5").write_bytes(b"no HDF5")
    found = json.loads(ends(matey("prepare", str(tmp_path), "--json"), 1).stdout)
    assert names_of(found) == ["cut.h5"]
    assert found["rows"][0]["samples"] == 2


def test_a_named_reader_stops_and_names_every_file(matey: Matey, tmp_path: Path) -> None:
    for samples, name in enumerate("abcd", 2):
        tiny_source(tmp_path / f"{name}.h5", samples=samples)
    for name, cut in (("b", 100), ("d", 200)):
        file = tmp_path / f"{name}.h5"
        file.write_bytes(file.read_bytes()[:-cut])
    said = " ".join(ends(matey("prepare", "pdebench", str(tmp_path)), 2).stderr.split())
    assert "2 files or sources cannot be read" in said
    assert "b.h5 is truncated" in said
    assert "d.h5 is truncated" in said
    assert not (tmp_path / "zarr").exists()


def test_files_of_one_source_are_all_named(matey: Matey, tmp_path: Path) -> None:
    for number in range(5):
        netcdf(tmp_path / "runs" / f"{number}.nc", number)
    for number in (1, 3):
        data = xr.load_dataset(tmp_path / "runs" / f"{number}.nc", engine="scipy")
        data["x"] = ("x", [0.0, 1, 2, 9])
        data.to_netcdf(tmp_path / "runs" / f"{number}.nc", engine="scipy")
    said = " ".join(ends(matey("prepare", "netcdf", str(tmp_path)), 2).stderr.split())
    assert "/1.nc, " in said
    assert "/3.nc: x is unevenly spaced" in said
