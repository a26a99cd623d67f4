"""What the solver writes is read like a published file."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.simulate import SimulateConfig, simulate


def test_a_simulated_file_is_prepared_unchanged(tmp_path: Path) -> None:
    config = SimulateConfig(out=tmp_path, samples=5, grid=16, frames=6, seed=20)
    made = simulate(config)
    report = prepare(PrepareConfig(source=tmp_path))
    (row,) = report.rows
    assert (row.status, row.samples) == ("converted", 5)
    dataset = xr.open_zarr(row.store)
    with h5py.File(made.path) as file:
        for index, group in enumerate(file):
            data = file[group]["data"][:]
            for channel, name in enumerate(("activator", "inhibitor")):
                assert dataset[name].dims == ("sample", "time", "y", "x")
                np.testing.assert_array_equal(dataset[name][index], data[..., channel])
    assert dataset["x"].values == pytest.approx(-1 + (np.arange(16) + 0.5) / 8, abs=1e-6)
    assert dataset["time"].values == pytest.approx(np.arange(6), abs=1e-6)
    assert dataset["param_du"].values.tolist() == [1e-3] * 5
    assert sorted(set(dataset["split"].values.tolist())) == [0, 1, 2]
