"""Stores against their sources, value by value, with h5py and xarray only."""

import h5py
import numpy as np
import xarray

from matey_core.workflows.prepare import PrepareRow

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
    """Compare every value of a store with its source, both read without matey."""
    if row.source.is_dir():
        _assert_equals_netcdf(row)
        return
    with h5py.File(row.source) as file, xarray.open_zarr(str(row.store)) as data:
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


def _assert_equals_netcdf(row: PrepareRow) -> None:
    files = sorted(row.source.glob("*.nc"))
    with xarray.open_zarr(str(row.store)) as data:
        assert list(data["sample"].values) == [file.stem for file in files]
        for number, file in enumerate(files):
            with xarray.open_dataset(file) as original:
                for name in row.fields:
                    stored, expected = data[name][number].values, original[name].values
                    assert stored.dtype == expected.dtype.newbyteorder("=")
                    np.testing.assert_array_equal(stored, expected)
                np.testing.assert_array_equal(data["time"].values, original["t"].values)
                for axis in set(row.axes) & set(original.coords):
                    np.testing.assert_array_equal(data[axis].values, original[axis].values)
