"""Rollouts that are limited: what the report says, and what is left alone."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.data import Windows, measure_ranges
from matey_core.errors import CheckpointError
from matey_core.store import open_store
from matey_core.training import read_ranges, write_ranges
from matey_core.workflows.rollout import document_of, rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tiny_run(tmp_path, tiny_store(tmp_path, samples=8, frames=9, split=(0.5, 0.25, 0.25)))
    return tmp_path


def teach(project: Path, *, factor: float, growth: float) -> None:
    """Let the training data have spread `factor` times as far as they did."""
    store = open_store(project / "zarr/tiny_periodic.zarr")
    found = measure_ranges(Windows(store, store.samples("train"), history=3, max_lead=1))
    told = {
        name: replace(each, deviation=factor * each.deviation, growth=growth)
        for name, each in found.items()
    }
    path = project / "runs/pretrain-001/model"
    write_ranges(path, {store.name: told})
    assert read_ranges(path) == {store.name: told}


def states_of(path: Path) -> np.ndarray:
    with xr.open_zarr(path) as states:
        return states["density"].to_numpy()


def test_a_model_of_an_earlier_version_rolls_out_as_before_and_a_note_says_so(
    project: Path,
) -> None:
    report = rollout(RolloutConfig(runs=project / "runs"))
    assert "does not say what its training data showed" in report.limits
    before = states_of(report.stores[0].path)
    teach(project, factor=1e6, growth=math.inf)
    wide = rollout(RolloutConfig(runs=project / "runs"))
    assert wide.limits == ""
    assert wide.stores[0].limited == ()
    np.testing.assert_array_equal(states_of(wide.stores[0].path), before)


def test_what_is_limited_is_reported_and_can_be_switched_off(project: Path) -> None:
    before = states_of(rollout(RolloutConfig(runs=project / "runs")).stores[0].path)
    # An untrained model nearly keeps the last state: let it seem that fields shrink.
    teach(project, factor=1.0, growth=0.5)
    report = rollout(RolloutConfig(runs=project / "runs", steps=50, beyond=True, batch_size=1))
    (result,) = report.stores
    limited = {each.field: each for each in result.limited}
    assert limited["density"].lead == 1
    assert limited["density"].samples == len(result.samples) == 2
    (found,) = document_of(report)["stores"]
    assert {"field": "density", "lead": 1, "samples": 2} in found["limited"]
    truth = open_store(project / "zarr/tiny_periodic.zarr")
    for row, sample in enumerate(truth.samples("test")):
        last = truth.read(sample, 2, 3)[0, 0].astype(float)
        departure = np.sqrt(((states_of(result.path)[row] - last.mean()) ** 2).mean((1, 2)))
        assert departure.max() == pytest.approx(1.25 * 0.5 * last.std(), rel=1e-5)
    off = rollout(RolloutConfig(runs=project / "runs", limit=False))
    assert off.stores[0].limited == ()
    assert off.limits == ""
    np.testing.assert_array_equal(states_of(off.stores[0].path), before)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"format": 2}', '{"format": 1, "datasets": {"a": {"u": {"growth": 1}}}}']
)
def test_damage_is_said(project: Path, text: str) -> None:
    (project / "runs/pretrain-001/model/ranges.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"ranges\.json cannot be read"):
        rollout(RolloutConfig(runs=project / "runs"))
