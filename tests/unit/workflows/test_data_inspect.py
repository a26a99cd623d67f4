"""Stores and sources are described from their headers and few frames."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.errors import DataError
from matey_core.fields import Field
from matey_core.store import open_store
from matey_core.workflows.data_inspect import Description, inspect_data
from matey_core.workflows.data_inspect import source as data_source
from matey_core.workflows.data_inspect.description import pictures
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import advected, tiny_source, tiny_store


def describe(path: Path, **options: str) -> Description:
    (item,) = inspect_data(path, **options).items
    return item


def test_a_store(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(16, 24))
    item = describe(path)
    assert (item.kind, item.name, item.layout) == ("store", "tiny_periodic", "matey 2")
    assert [(dim.name, dim.size, dim.boundary) for dim in item.dims] == [
        ("sample", 6, ""),
        ("time", 12, ""),
        ("x", 16, "periodic"),
        ("y", 24, "periodic"),
    ]
    time, x = item.dims[1:3]
    assert (time.start, time.stop, time.step) == pytest.approx((0, 0.55, 0.05))
    assert (x.start, x.stop, x.step) == pytest.approx((1 / 32, 31 / 32, 1 / 16))
    training = open_store(path).samples("train")
    expected = advected((16, 24), samples=6, frames=12, fields=2)[list(training), :, 0]
    density, velocity = item.fields
    assert (density.low, density.high) == (expected.min(), expected.max())
    assert density.mean == pytest.approx(expected.mean(dtype=float))
    assert (density.name, density.missing, velocity.component) == ("density", 0.0, ("x",))
    assert item.splits is not None
    assert sum(item.splits) == 6
    assert item.dtype == "float32"
    assert item.value_bytes == 6 * 12 * 2 * 16 * 24 * 4
    assert item.num_bytes > item.value_bytes
    assert item.encoding == "12 frames a chunk file (0.0184 MB), uncompressed"
    assert [(p.name, p.low, p.high, p.distinct) for p in item.parameters] == [
        ("eta", 0.1, 0.1, 1),
        ("zeta", 0.1, 0.1, 1),
    ]
    assert item.provenance["source"] == "tiny_periodic.hdf5"


def test_snapshots_are_the_first_samples_frames(tmp_path: Path) -> None:
    expected = advected((8, 10, 12), samples=2, frames=7, fields=2)
    source = tiny_source(tmp_path / "c_periodic.h5", shape=(8, 10, 12), samples=2, frames=7)
    store = tiny_store(tmp_path, name="d_periodic", shape=(8, 10, 12), samples=2, frames=7)
    for path in (source, store):
        density, _ = describe(path).snapshots
        np.testing.assert_array_equal(density.values, expected[0, [0, 3, 6], 0, 4])
        assert (density.frames, density.axes) == ((0, 3, 6), ("y", "z"))
        assert density.times == pytest.approx((0, 0.15, 0.3))
        assert density.slice_of == "x = 4 of 8"


def test_a_map_has_north_on_top() -> None:
    (found,) = pictures(
        (Field(name="t2m"),),
        np.arange(6.0).reshape(1, 1, 3, 2),
        sample="0",
        frames=(0,),
        times=np.zeros(1),
        coordinates={"latitude": np.array([60.0, 0, -60]), "longitude": np.array([0.0, 180])},
    )
    assert found.axes == ("latitude", "longitude")
    np.testing.assert_array_equal(found.values[0], [[4, 5], [2, 3], [0, 1]])


def test_compressed_half_precision_with_missing_values(tmp_path: Path) -> None:
    source = tiny_source(tmp_path / "holes_periodic.h5")
    with h5py.File(source, "r+") as file:
        file["density"][:, :, :4, :4] = np.nan
    prepare(PrepareConfig(source=source, compress="lz4", dtype="bfloat16", allow_missing=True))
    item = describe(tmp_path / "zarr" / "holes_periodic.zarr")
    assert item.dtype == "bfloat16"
    assert item.encoding.endswith("lz4, 12 frames together")
    assert [field.missing for field in item.fields] == [1 / 16, 0]
    assert np.isnan(item.snapshots[0].values[:, :4, :4]).all()


def test_a_source_is_read_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_source(tmp_path / "flow_periodic.h5", samples=20)
    expected = advected((16, 16), samples=20, frames=12, fields=2)
    item = describe(path)
    assert item.ranges_of == "3 of 12 frames of 8 of 20 samples"
    seen = expected[np.linspace(0, 19, 8).astype(int)][:, [0, 5, 11], 1]
    assert (item.fields[1].low, item.fields[1].high) == (seen.min(), seen.max())
    monkeypatch.setattr(data_source, "MOST_BYTES", 2 * 3 * 2 * 256 * 4)
    assert describe(path).ranges_of == "3 of 12 frames of 2 of 20 samples"
    monkeypatch.setattr(data_source, "MOST_BYTES", 1)
    assert describe(path).ranges_of == "3 of 12 frames of 1 of 20 samples"


def test_a_folder_with_stores_and_sources(tmp_path: Path) -> None:
    tiny_store(tmp_path, name="a_periodic")
    tiny_store(tmp_path, name="b_periodic", shape=(32,))
    report = inspect_data(str(tmp_path))
    assert [(item.kind, item.name) for item in report.items] == [
        ("store", "a_periodic"),
        ("store", "b_periodic"),
        ("source", "a_periodic"),
        ("source", "b_periodic"),
    ]
    (tmp_path / "zarr" / "a_periodic.zarr" / "density" / "zarr.json").write_text("{}")
    (tmp_path / "zarr" / "a_periodic.zarr" / "zarr.json").write_text("{}")
    report = inspect_data(tmp_path)
    assert len(report.items) == 3
    assert [failure.path.name for failure in report.failures] == ["a_periodic.zarr"]


def test_the_reader_can_be_named(tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "flow_periodic.h5")
    assert describe(path).layout == describe(path, reader="pdebench").layout == "pdebench"
    with pytest.raises(DataError):
        inspect_data(path, reader="the_well")


def test_nothing_to_describe(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "nowhere.zarr"):
        with pytest.raises(DataError, match=place.name):
            inspect_data(place)


def test_genuine_sources_are_described(genuine: Path) -> None:
    items = {item.name: item for item in inspect_data(genuine).items}
    assert len(items) == 11
    shallow = items["2D_rdb_NA_NA"]
    assert [dim.size for dim in shallow.dims] == [3, 101, 128, 128]
    (height,) = shallow.fields
    assert height.is_conserved
    assert (height.low, height.high) == pytest.approx((0.55, 2.0), abs=0.3)
    assert {field.name for field in items["ns_incom_inhom_2d_128-0"].fields if field.is_static} == {
        "force_x",
        "force_y",
    }
