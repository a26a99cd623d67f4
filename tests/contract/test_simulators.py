"""What every simulator promises."""

import functools
import math

import numpy as np
import pytest
import torch

from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator
from matey_core.simulators._integrate import collate

PUBLISHED_STEP = {"colliding_thermals": 0.35}
"""The step is part of a published scheme, and follows sound waves coarsely on so few cells."""

pytestmark = pytest.mark.parametrize("name", SIMULATORS.names())


@functools.cache
def small(name: str, *, grid: int = 16) -> Simulator:
    kind = SIMULATORS[name]
    is_static = kind.model_fields["frames"].default == 2
    return kind(grid=grid, frames=2 if is_static else 3).build()


@functools.cache
def sample(name: str, seed: int, grid: int = 16) -> Sample:
    return small(name, grid=grid).sample(np.random.RandomState(seed))


def batch(name: str, count: int, dtype: torch.dtype = torch.float64, grid: int = 16) -> Batch:
    return collate([sample(name, seed, grid) for seed in range(count)], dtype, "cpu")


def course(simulator: Simulator, problems: Batch) -> list[torch.Tensor]:
    return [simulator.observe(states, problems) for states in simulator.frames(problems)]


def test_describes_what_it_steps(name: str) -> None:
    simulator, first = small(name), sample(name, 0)
    grid = simulator.spec.grid
    problems = batch(name, 2)
    frames = course(simulator, problems)
    assert first.state.dtype == torch.float64
    assert len(simulator.origin) == len(grid.boundary) == len(grid.spacing) == grid.num_axes
    assert len(frames) == len(simulator.times) == simulator.num_frames
    assert {frame.shape for frame in frames} == {(2, len(simulator.spec.fields), *grid.shape)}
    assert all(frame.isfinite().all() for frame in frames)
    assert all(math.isfinite(value) for value in first.parameters.values())
    if simulator.static_fields:
        assert first.static is not None
        assert first.static.shape == (len(simulator.static_fields), *grid.shape)
    assert set(simulator.conserved) <= set(simulator.spec.names)
    assert simulator.file.endswith((".h5", ".hdf5"))


def test_a_seed_gives_one_start(name: str) -> None:
    simulator = small(name)
    first, again, other = (simulator.sample(np.random.RandomState(seed)) for seed in (5, 5, 6))
    assert torch.equal(first.state, again.state)
    assert first.parameters == again.parameters
    assert not torch.equal(first.state, other.state) or first.parameters != other.parameters


@pytest.mark.parametrize("grid", [16, 19])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sample_alone_equals_the_same_sample_in_a_batch(
    name: str, dtype: torch.dtype, grid: int
) -> None:
    simulator = small(name, grid=grid)
    together = course(simulator, batch(name, 3, dtype, grid))[-1]
    alone = course(simulator, collate([sample(name, 1, grid)], dtype, "cpu"))[-1]
    assert together.dtype == dtype
    assert torch.equal(together[1:2], alone)


def test_a_step_of_zero_keeps_the_state_of_a_sample(name: str) -> None:
    """Where samples have steps of their own, one that is done waits for the others."""
    simulator, problems = small(name), batch(name, 2)
    limit = simulator.stable_step(problems.states, problems)
    if not isinstance(limit, torch.Tensor):
        return
    dt = torch.stack([limit[0], torch.zeros_like(limit[1])])
    dt = dt.view(-1, *(1,) * (problems.states.ndim - 1))
    after = simulator.step(problems.states, dt, problems)
    assert torch.equal(after[1], problems.states[1])
    assert not torch.equal(after[0], problems.states[0])


def test_its_own_step_is_stable_and_accurate(name: str) -> None:
    """A tenth of the step changes the stored fields by less than a hundredth."""
    simulator, problems = small(name), batch(name, 2)
    limit = simulator.stable_step(problems.states, problems)
    if isinstance(limit, torch.Tensor):
        limit = limit.min().item()
    limit = min(limit, simulator.spec.time_step)
    coarse = fine = problems.states
    for _ in range(8):
        coarse = simulator.step(coarse, limit, problems)
    for _ in range(80):
        fine = simulator.step(fine, limit / 10, problems)
    a, b = (simulator.observe(states, problems) for states in (coarse, fine))
    assert ((a - b).norm() / b.norm()).item() < PUBLISHED_STEP.get(name, 1e-2)


def test_keeps_what_the_equations_keep(name: str) -> None:
    simulator = small(name)
    for dtype in (torch.float32, torch.float64):
        problems = batch(name, 2, dtype)
        *_, last = simulator.frames(problems)
        before = simulator.densities(problems.states, problems)
        after = simulator.densities(last, problems)
        for quantity, density in before.items():
            totals = [values.double().flatten(1).sum(1) for values in (density, after[quantity])]
            sizes = [
                values.double().abs().flatten(1).sum(1) for values in (density, after[quantity])
            ]
            drift = (totals[1] - totals[0]).abs() / torch.maximum(*sizes).clamp(min=1e-300)
            assert drift.max().item() <= simulator.max_drift(dtype), quantity
