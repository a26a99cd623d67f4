"""Every published layout, converted and compared with its source value by value."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import xarray

from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, PrepareRow, prepare

FLOW = {
    "density": "density",
    "pressure": "pressure",
    "velocity_x": "Vx",
    "velocity_y": "Vy",
    "velocity_z": "Vz",
}
CHANNELS = {"activator": 0, "inhibitor": 1, "height": 0}


def original(file: h5py.File, name: str, sample: str) -> np.ndarray:
    """A field of a sample, looked up in the source by hand."""
    if sample in file:
        return file[sample]["data"][..., CHANNELS[name]]
    index = int(sample)
    if "particles" in file:
        key, _, component = name.partition("_")
        array = file[{"tracer": "particles"}.get(key, key)][index]
        return array[..., "xy".index(component) if component else 0]
    if name == "diffusion_coefficient":
        return file["nu"][index]
    return file[FLOW[name] if "density" in file else "tensor"][index]


def assert_equals_source(row: PrepareRow) -> None:
    with h5py.File(row.source) as file, xarray.open_zarr(row.store) as data:
        for name in (*row.fields, *row.static_fields):
            assert data[name].dims[0] == "sample"
            assert data[name].dims[-len(row.axes) :] == row.axes
            for number, sample in enumerate(data["sample"].values):
                expected = original(file, name, str(sample))
                stored = data[name][number].values
                assert stored.dtype == expected.dtype
                assert stored.tobytes() == expected.tobytes()
        for axis in row.axes:
            stored = data[axis].values
            if f"{axis}-coordinate" in file:
                np.testing.assert_array_equal(stored, file[f"{axis}-coordinate"])
            elif "particles" not in file:
                np.testing.assert_array_equal(stored, file[next(iter(file))]["grid"][axis])


def converted(source: Path, out: Path) -> Iterator[PrepareRow]:
    report = prepare(PrepareConfig(source=source, out=out))
    assert {row.status for row in report.rows} == {"converted"}
    yield from report.rows


def test_every_file_equals_its_source(pdebench: Path, tmp_path: Path) -> None:
    rows = {row.store.stem: row for row in converted(pdebench, tmp_path)}
    assert len(rows) == 11
    for row in rows.values():
        assert_equals_source(row)
    found = {name: open_store(row.store) for name, row in rows.items()}
    assert found["2D_rdb_NA_NA"].sample_names == ("0000", "0001", "0023")
    assert found["2D_diff-react_NA_NA"].spec.grid.axes == ("y", "x")
    assert found["2D_DarcyFlow_beta1.0_Train"].is_static
    burgers = found["1D_Burgers_Sols_Nu0.01"]
    assert (burgers.num_frames, burgers.parameters["nu"][0]) == (201, 0.01)


def test_every_file_at_64_equals_its_source(pdebench_64: Path, tmp_path: Path) -> None:
    for row in converted(pdebench_64, tmp_path):
        assert_equals_source(row)
        assert min(row.splits or ()) >= 1


def test_files_of_one_name_get_stores_of_their_own(
    pdebench: Path, pdebench_64: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for folder in (pdebench, pdebench_64):
        (data / folder.name).symlink_to(folder / "2D" / "shallow-water")
    report = prepare(PrepareConfig(source=data, limit=2))
    assert [row.store.name for row in report.rows] == [
        "pdebench-2D_rdb_NA_NA.zarr",
        "pdebench_64-2D_rdb_NA_NA.zarr",
    ]
    assert [row.shape for row in report.rows] == [(128, 128), (64, 64)]
