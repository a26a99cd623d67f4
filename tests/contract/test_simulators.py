"""What every simulator promises."""

import numpy as np
import pytest
import torch

from matey_core.simulators import SIMULATORS, Simulator
from matey_core.simulators._integrate import frames

pytestmark = pytest.mark.parametrize("name", SIMULATORS.names())


def small(name: str, *, grid: int = 16, frames: int = 3) -> Simulator:
    return SIMULATORS[name](grid=grid, frames=frames).build()


def starts(simulator: Simulator, count: int) -> torch.Tensor:
    return torch.stack([simulator.start(np.random.RandomState(seed)) for seed in range(count)])


def test_describes_what_it_steps(name: str) -> None:
    simulator = small(name)
    state = simulator.start(np.random.RandomState(0))
    grid = simulator.spec.grid
    assert isinstance(simulator, Simulator)
    assert state.dtype == torch.float64
    assert state.shape == (len(simulator.spec.fields), *grid.shape)
    assert len(simulator.origin) == len(grid.boundary) == len(grid.spacing) == grid.num_axes
    assert len(list(frames(simulator, state[None]))) == simulator.num_frames == 3


def test_a_seed_gives_one_start(name: str) -> None:
    simulator = small(name)
    first, again, other = (simulator.start(np.random.RandomState(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sample_alone_equals_the_same_sample_in_a_batch(name: str, dtype: torch.dtype) -> None:
    simulator = small(name)
    together = starts(simulator, 3).to(dtype)
    *_, last = frames(simulator, together)
    *_, alone = frames(simulator, together[1:2])
    assert last.dtype == dtype
    assert torch.equal(last[1:2], alone)


def test_its_own_step_is_stable_and_accurate(name: str) -> None:
    """A tenth of the step changes the solution by less than a thousandth."""
    simulator = small(name, grid=32)
    coarse = fine = starts(simulator, 2)
    step = simulator.stable_step()
    for _ in range(8):
        coarse = simulator.step(coarse, step)
    for _ in range(80):
        fine = simulator.step(fine, step / 10)
    assert ((coarse - fine).norm() / fine.norm()).item() < 1e-3
