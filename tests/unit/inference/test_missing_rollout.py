"""A store with solid and missing cells, from the disk through a rollout and back."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from matey_core.store import open_store
from matey_core.workflows.rollout import StoreRollout, rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from matey_core.workflows.tokenize_inspect import inspect
from matey_core.workflows.tokenize_inspect.settings import InspectConfig
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run

SOLID = (slice(None), slice(None), slice(4, 9), slice(2, 6))
"""(sample, time, x, y)"""
LATE = (slice(None), slice(5, None), 12)
"""Missing in the truth, but known in the history of three frames."""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tuple[StoreRollout, Path]:
    folder = tmp_path_factory.mktemp("holes")
    path = tiny_store(folder, samples=8, frames=9)
    group = zarr.open_group(path, mode="r+")
    density = group["density"]
    assert isinstance(density, zarr.Array)
    values = np.asarray(density[:])
    values[SOLID] = np.nan
    values[LATE] = np.nan
    density[:] = values
    fields = group.attrs.asdict()["fields"]
    fields[0]["missing"] = int(np.isnan(values).sum())
    group.attrs["fields"] = fields
    tiny_run(folder, path)
    (store,) = rollout(RolloutConfig(runs=folder / "runs", stride=2)).stores
    return store, path


def test_states_are_nan_where_the_start_is_and_nowhere_else(
    result: tuple[StoreRollout, Path],
) -> None:
    with xr.open_zarr(result[0].path) as states:
        solid = np.zeros(states["density"].shape, dtype=bool)
        solid[SOLID] = True
        np.testing.assert_array_equal(np.isnan(states["density"].values), solid)
        assert np.isfinite(states["velocity_x"].values).all()


def test_errors_are_those_over_the_known_cells(result: tuple[StoreRollout, Path]) -> None:
    store, path = result
    with xr.open_zarr(store.path) as states, xr.open_zarr(path) as source:
        truth = source.sel(sample=states["sample"], time=states["time"])
        start = source.sel(sample=states["sample"]).isel(time=2)["density"].values
        predicted, known = states["density"].values, truth["density"].values
    for errors in store.rollout:
        ours, theirs = [], []
        for sample, frames in enumerate(known):
            t = frames[errors.lead - 1]
            where = ~np.isnan(t)
            assert where.sum() == 16 * 16 - 20 - (16 if errors.lead > 2 else 0)
            t = t[where].astype(float)
            size = np.mean(t**2)
            ours.append(
                np.sqrt(np.mean((predicted[sample, errors.lead - 1][where] - t) ** 2) / size)
            )
            theirs.append(np.sqrt(np.mean((start[sample][where] - t) ** 2) / size))
        score = errors.fields["density"]["nrmse"]
        assert score.error == pytest.approx(np.mean(ours), rel=1e-6)
        assert score.persistence == pytest.approx(np.mean(theirs), rel=1e-6)
        assert (score.undefined, score.not_finite) == (0, 0)


def test_forecasts_are_fitted_to_the_known_cells(result: tuple[StoreRollout, Path]) -> None:
    """A wave that moves by a fixed distance a frame is nearly a stencil, walls or not."""
    for scores in (result[0].one_step, result[0].rollout[0].fields):
        score = scores["density"]["nrmse"]
        assert set(score.forecasts) == {"linear", "local_linear"}
        assert score.forecasts["local_linear"] < 0.3 * score.persistence


def test_one_step_errors_are_finite_and_over_all_windows(
    result: tuple[StoreRollout, Path],
) -> None:
    store = open_store(result[1])
    score = result[0].one_step["density"]["nrmse"]
    assert np.isfinite(score.error)
    assert score.cases == 6 * len(store.samples("test"))
    assert (score.undefined, score.not_finite) == (0, 0)


def test_cells_are_chosen_from_what_a_model_is_shown(result: tuple[StoreRollout, Path]) -> None:
    report = inspect(InspectConfig(source=result[1], runs=result[1].parent / "none", time=4))
    assert np.isfinite(report.picture.values).all()
    solid = report.picture.values.T[SOLID[2:]]  # x goes across in a picture
    assert (solid == solid[0, 0]).all()
