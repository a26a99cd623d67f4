"""A model in Python: the same numbers as a rollout's, and times that go on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import matey_core
from matey_core.data import FieldRange
from matey_core.errors import CheckpointError, ConfigError, DataError, MateyWarning
from matey_core.prediction import Predictor
from matey_core.training import write_ranges
from matey_core.workflows.rollout import rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_run(folder, tiny_store(folder, samples=8, frames=9, shape=(16, 24)))
    return folder


@pytest.fixture
def model(project: Path) -> Predictor:
    return matey_core.load(project / "runs/pretrain-001")


@pytest.fixture
def data(project: Path) -> xr.Dataset:
    with xr.open_zarr(project / "zarr/tiny_periodic.zarr") as opened:
        return opened.load()


def test_predictions_are_those_of_a_rollout(
    model: Predictor, data: xr.Dataset, project: Path, tmp_path: Path
) -> None:
    config = RolloutConfig(
        runs=project / "runs", split="train", start=6, steps=5, beyond=True, out=tmp_path
    )
    (result,) = rollout(config).stores
    with xr.open_zarr(result.path) as states:
        expected = states.load()
    found = model.predict(data.isel(sample=expected["sample"].astype(int).values), steps=5)
    assert set(found.data_vars) == {"density", "velocity_x"}
    assert found["density"].dims == ("sample", "time", "x", "y")
    for name in ("density", "velocity_x"):
        np.testing.assert_array_equal(found[name], expected[name])
    for name in ("sample", "time", "x", "y"):
        np.testing.assert_array_equal(found[name], expected[name])


def test_times_and_coordinates_go_on(model: Predictor, data: xr.Dataset) -> None:
    one = data.isel(sample=2, time=slice(0, 6))
    one["density"].attrs["units"] = "kg/m3"
    found = model.predict(one, steps=20)
    assert found["density"].dims == ("time", "x", "y")
    assert found["density"].dtype == np.float32
    assert found["density"].attrs["units"] == "kg/m3"
    assert found["sample"].item() == "2"
    np.testing.assert_allclose(found["time"], 0.25 + 0.05 * np.arange(1, 21), rtol=1e-5)
    joined = xr.concat([one[["density"]], found[["density"]]], dim="time")
    assert joined.sizes["time"] == 26


def test_positions_that_fall_change_nothing(model: Predictor, data: xr.Dataset) -> None:
    fallen = data.isel(y=slice(None, None, -1))
    found = model.predict(fallen, steps=3)
    np.testing.assert_array_equal(found["y"], fallen["y"])
    xr.testing.assert_equal(found.sortby("y"), model.predict(data, steps=3))


def test_dates_go_on_as_dates(model: Predictor, data: xr.Dataset) -> None:
    dates = np.datetime64("2026-01-31T23:00", "ns") + np.arange(9) * np.timedelta64(1, "h")
    dated = data.isel(sample=0).assign_coords(time=dates)
    with pytest.warns(MateyWarning, match=r"time step is 3600; .* trained with 0\.05"):
        found = model.predict(dated, steps=3)
    hours = np.datetime64("2026-02-01T08:00", "ns") + np.arange(3) * np.timedelta64(1, "h")
    np.testing.assert_array_equal(found["time"].values, hours)


def test_an_array_is_given_names(model: Predictor, data: xr.Dataset) -> None:
    one = data.isel(sample=1)
    values = np.stack([one["velocity_x"].values, one["density"].values], axis=1)
    found = model.predict(values, names=("velocity_x", "density"), steps=2)
    expected = model.predict(one, steps=2)
    np.testing.assert_array_equal(found["density"], expected["density"])
    assert found["density"].dims == ("time", "x", "y")
    np.testing.assert_allclose(found["time"], [0.45, 0.5])
    with pytest.raises(ConfigError, match="should have the shape"):
        model.predict(values, names=("density",))
    with pytest.raises(ConfigError, match="does not say what its fields are called"):
        model.predict(values)


def test_the_order_of_dims_and_the_size_of_batches_change_nothing(
    model: Predictor, data: xr.Dataset
) -> None:
    few = data.isel(sample=slice(0, 3))
    expected = model.predict(few, steps=2)
    turned = model.predict(few.transpose("y", "time", "x", "sample"), steps=2, batch_size=2)
    assert turned["density"].dims == ("y", "time", "x", "sample")
    np.testing.assert_allclose(
        turned["density"].transpose(*expected["density"].dims), expected["density"], rtol=1e-5
    )


def test_the_boundary_is_that_of_training_unless_it_is_given(
    model: Predictor, data: xr.Dataset
) -> None:
    one = data.isel(sample=0)
    bare = one[["density", "velocity_x"]].drop_attrs()
    expected = model.predict(one, steps=1)["density"]
    np.testing.assert_array_equal(model.predict(bare, steps=1)["density"], expected)
    walls = model.predict(bare, steps=1, boundary={"x": "no_slip", "y": "no_slip"})["density"]
    assert not np.array_equal(walls, expected)
    with pytest.raises(ConfigError, match="boundary names z=periodic; axes are x, y"):
        model.predict(bare, boundary={"z": "periodic"})
    alone = Predictor(model.model, path=model.path, history=3)
    with pytest.warns(MateyWarning, match="boundary along x, y is not known"):
        alone.predict(bare, steps=1)


def test_missing_cells_stay_missing(model: Predictor, data: xr.Dataset) -> None:
    one = data.isel(sample=0)[["density", "velocity_x"]].copy(deep=True)
    one["density"][:, 3, 4] = np.nan
    found = model.predict(one, steps=2)
    assert int(found["density"].isnull().sum()) == 2
    assert found["velocity_x"].notnull().all()


def test_what_differs_from_training_is_told(model: Predictor, data: xr.Dataset) -> None:
    one = data.isel(sample=0)
    with pytest.warns(MateyWarning, match=r"tiny_periodic.* has velocity_x as well"):
        model.predict(one[["density"]], steps=1)
    more = one.assign(pressure=one["density"])
    with pytest.warns(MateyWarning, match="does not know pressure; they are left out"):
        assert "pressure" not in model.predict(more, steps=1)
    with pytest.raises(ConfigError, match="does not know pressure; it knows density, velocity_x"):
        model.predict(more[["pressure"]])
    with pytest.raises(ConfigError, match="No variable has the dimension time"):
        model.predict(one.rename(time="t"))
    with pytest.raises(ConfigError, match="besides time and sample, the model knows 2 axes"):
        model.predict(one.isel(x=0))
    with pytest.raises(DataError, match="has 2 frames; the model reads a history of 3"):
        model.predict(one.isel(time=slice(0, 2)))
    with pytest.raises(DataError, match="not evenly spaced"):
        model.predict(one.isel(time=[0, 1, 2, 4, 8]))
    with pytest.raises(ConfigError, match="steps is 0"):
        model.predict(one, steps=0)


def test_records_of_earlier_versions_are_read(project: Path, data: xr.Dataset) -> None:
    file = project / "runs/pretrain-001/data.json"
    content = file.read_text()
    known = json.loads(content)
    new = ("units", "axes", "shape", "boundary", "time_step")
    for row in known["stores"]:
        for key in new:
            assert row.pop(key) is not None
    file.write_text(json.dumps(known))
    try:
        found = matey_core.load("pretrain-001", runs=project / "runs")
        assert found.history == 3
        assert found.predict(data.isel(sample=0), steps=1).sizes["time"] == 1
    finally:
        file.write_text(content)
    with pytest.raises(CheckpointError, match="no run and no model directory"):
        matey_core.load(project / "nothing")


def test_a_model_says_what_it_is(model: Predictor) -> None:
    assert "density, velocity_x; history of 3 frames" in repr(model)


def test_frames_are_limited_as_in_a_rollout(project: Path, data: xr.Dataset) -> None:
    folder = project / "runs/pretrain-001/model"
    one = data.isel(sample=0)
    free = matey_core.load(folder.parent).predict(one, steps=3)
    known = FieldRange(deviation=1e-3, lowest=0.0, highest=0.0, growth=1e-3)
    write_ranges(folder, {"tiny_periodic": {"density": known}})
    try:
        model = matey_core.load(folder.parent)
        kept = model.predict(one, steps=3)
        # It may be no wider than 1.25 times the last known frame.
        last = float(one["density"].isel(time=-1).std())
        assert float(free["density"].isel(time=-1).std()) > 1.26 * last
        assert float(kept["density"].isel(time=-1).std()) <= 1.26 * last
        again = model.predict(one, steps=3, limit=False)
        np.testing.assert_array_equal(again["density"], free["density"])
        # Elsewhere, growth in training counts.
        elsewhere = model.predict(one.assign_attrs(dataset="other"), steps=3)
        assert float(elsewhere["density"].isel(time=-1).std()) <= 1e-2 * last
    finally:
        (folder / "ranges.json").unlink()


def test_grid_and_boundary_that_differ_are_told(model: Predictor, data: xr.Dataset) -> None:
    one = data.isel(sample=0)
    with pytest.warns(MateyWarning, match="has 8×24 points; on tiny_periodic .* with 16×24"):
        model.predict(one.isel(x=slice(0, 8)), steps=1)
    walls = one.assign_attrs(boundary={"x": "no_slip", "y": "periodic"})
    with pytest.warns(MateyWarning, match="along x is no_slip; .* trained with periodic"):
        model.predict(walls, steps=1)


def test_data_without_a_name_takes_the_limits_of_the_only_one_with_its_fields(
    project: Path, data: xr.Dataset
) -> None:
    one = data.isel(sample=0)
    folder = project / "runs/pretrain-001/model"
    known = FieldRange(deviation=1e-3, lowest=0.0, highest=0.0, growth=1e-3)
    write_ranges(folder, {"tiny_periodic": {"density": known}})
    try:
        model = matey_core.load(folder.parent)
        expected = model.predict(one, steps=3)
        bare = one.drop_attrs(deep=False)
        with pytest.warns(MateyWarning, match="no attribute dataset: .* those of tiny_periodic"):
            found = model.predict(bare, steps=3)
        np.testing.assert_array_equal(found["density"], expected["density"])
    finally:
        (folder / "ranges.json").unlink()


def test_a_model_directory_says_itself_how_it_was_trained(project: Path, tmp_path: Path) -> None:
    run = matey_core.load(project / "runs/pretrain-001")
    shutil.copytree(run.path, tmp_path / "alone")
    alone = matey_core.load(tmp_path / "alone")
    assert alone.history == run.history == 3
    (record,) = alone.records
    assert record == replace(run.records[0], path=record.name)
    described = json.loads((tmp_path / "alone/model.json").read_text())
    assert described["training"]["max_lead"] >= 1
    described["training"]["history"] = "3"
    (tmp_path / "alone/model.json").write_text(json.dumps(described))
    with pytest.raises(CheckpointError, match="training cannot be read"):
        matey_core.load(tmp_path / "alone")
