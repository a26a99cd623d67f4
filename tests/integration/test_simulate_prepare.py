"""What every solver writes is read like a published file, and says the same as its store."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.simulators import PRECISIONS, SIMULATORS, Simulator
from matey_core.simulators._integrate import collate
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.simulate import SimulateConfig, simulate

SEEDS = (20, 21)


def solve(simulator: Simulator, seed: int) -> np.ndarray:
    """(t, c, *space) float32, one sample by itself."""
    batch = collate([simulator.sample(np.random.RandomState(seed))], PRECISIONS["float32"], "cpu")
    frames = (simulator.observe(states, batch)[0] for states in simulator.frames(batch))
    return np.stack([frame.numpy() for frame in frames])


@pytest.mark.parametrize("name", SIMULATORS.names())
def test_a_simulated_file_is_prepared_unchanged(name: str, tmp_path: Path) -> None:
    settings = {} if SIMULATORS[name].model_fields["frames"].default == 2 else {"steps": 3}
    config = SimulateConfig(
        simulator=name, out=tmp_path, samples=len(SEEDS), grid=16, seed=SEEDS[0], **settings
    )
    simulate(config)
    simulator = config.resolved().build()
    (row,) = prepare(PrepareConfig(source=tmp_path)).rows
    assert (row.status, row.samples) == ("converted", len(SEEDS))
    dataset = xr.open_zarr(row.store)
    solutions = [solve(simulator, seed) for seed in SEEDS]
    if simulator.layout == "darcy":
        for index, solution in enumerate(solutions):
            coefficient, u = solution[-1]
            np.testing.assert_array_equal(dataset["diffusion_coefficient"][index], coefficient)
            np.testing.assert_array_equal(dataset["u"][index, 0], u)
        return
    for index, solution in enumerate(solutions):
        for channel, field in enumerate(simulator.spec.names):
            assert dataset[field].dims == ("sample", "time", *simulator.spec.grid.axes)
            np.testing.assert_array_equal(dataset[field][index], solution[:, channel])
    made = open_store(row.store)
    other = open_store(
        simulate(config.model_copy(update={"store": True, "out": tmp_path / "s"})).path
    )
    assert [field.name for field in made.spec.fields] == [f.name for f in other.spec.fields]
    assert [f.component for f in made.spec.fields] == [f.component for f in other.spec.fields]
    assert [f.is_pseudo for f in made.spec.fields] == [f.is_pseudo for f in other.spec.fields]
    assert made.spec.grid.axes == other.spec.grid.axes
    assert made.spec.grid.boundary == other.spec.grid.boundary == simulator.spec.grid.boundary
    assert made.conserved == other.conserved == simulator.conserved
    assert made.spec.grid.directed == other.spec.grid.directed == simulator.spec.grid.directed
    assert made.spec.time_step == pytest.approx(other.spec.time_step, rel=1e-5)
    for drawn in (other_set := xr.open_zarr(other.path)).data_vars:
        np.testing.assert_allclose(dataset[drawn], other_set[drawn], rtol=1e-6)
