"""What the diffusion–reaction solver says about itself, and the steps it chooses."""

import numpy as np
import pytest

from matey_core.simulators._integrate import collate
from matey_core.simulators.diffusion_reaction import DiffusionReactionConfig


def test_describes_a_sample_as_published() -> None:
    simulator = DiffusionReactionConfig().build()
    sample = simulator.sample(np.random.RandomState(7))
    assert simulator.describe(7, sample.parameters) == {
        "name": "2d_diff-react",
        "sim": {
            "Du": 1e-3,
            "Dv": 5e-3,
            "k": 5e-3,
            "t": 5.0,
            "tdim": 101,
            "x_left": -1.0,
            "x_right": 1.0,
            "xdim": 128,
            "y_bottom": -1.0,
            "y_top": 1.0,
            "ydim": 128,
            "n": 1,
            "seed": 7,
        },
    }


@pytest.mark.parametrize(("grid", "steps"), [(16, 1), (64, 1), (128, 2), (256, 4)])
def test_smaller_cells_take_shorter_steps(grid: int, steps: int) -> None:
    simulator = DiffusionReactionConfig(grid=grid).build()
    sample = simulator.sample(np.random.RandomState(0))
    batch = collate([sample], sample.state.dtype, "cpu")
    limit = simulator.stable_step(batch.states, batch)
    assert np.ceil(0.05 / limit - 1e-9) == steps


def test_constants_can_be_drawn_without_moving_the_start() -> None:
    drawn = DiffusionReactionConfig.model_validate({"grid": 8, "diffusion_u": "0.001:0.01"}).build()
    fixed = DiffusionReactionConfig(grid=8).build()
    first, second = (drawn.sample(np.random.RandomState(seed)) for seed in (0, 1))
    assert 1e-3 <= first.parameters["Du"] <= 1e-2
    assert first.parameters["Du"] != second.parameters["Du"]
    assert first.state.equal(fixed.sample(np.random.RandomState(0)).state)
