"""The stratified flow against its reference program, and against what the equations keep."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from matey_core.simulators import PRECISIONS, Precision
from matey_core.simulators._integrate import collate
from matey_core.simulators._stratified import C0, GAMMA, GRAVITY, Sweeper, neutral
from matey_core.simulators.colliding_thermals import (
    CASES,
    NAMES,
    Case,
    CollidingThermals,
    CollidingThermalsConfig,
)

HEAT_CAPACITY_AT_CONSTANT_VOLUME = 717.0
PAIR = dict(zip(CASES["collision"], (20.0, 1e4, 2e3, 2e3, -20.0, 1e4, 8e3, 2e3), strict=True))
"""The collision that the reference program calls so."""


def solve(
    *, precision: Precision = "float64", **settings: float | str
) -> tuple[CollidingThermals, torch.Tensor]:
    """Stored fields of seed 0 in float64: (t, 4, z, x)."""
    simulator = CollidingThermalsConfig(**settings).build()
    sample = simulator.sample(np.random.RandomState(0))
    batch = collate([sample], PRECISIONS[precision], "cpu")
    frames = [simulator.observe(states, batch)[0] for states in simulator.frames(batch)]
    return simulator, torch.stack(frames).double()


def errors(ours: torch.Tensor, file: Path) -> torch.Tensor:
    """Relative L2 distance from a file's frames: (t, 4)."""
    with xr.open_dataset(file, decode_times=False) as data:
        names = ("dens", "theta", "uwnd", "wwnd")
        arrays = [np.asarray(data[name].values[: len(ours)], np.float64) for name in names]
    theirs = torch.from_numpy(np.stack(arrays, 1))
    size = theirs.square().sum((2, 3)).clamp(min=1e-300)
    return ((ours - theirs).square().sum((2, 3)) / size).sqrt()


def attributes(file: Path) -> dict[str, float]:
    """Settings of the bubbles of a trajectory: the program that made it read six decimals."""
    with xr.open_dataset(file, decode_times=False) as data:
        return {
            name: round(float(data.attrs[f"{NAMES[name[:-2]]}{name[-2:]}"]), 6)
            for name in CASES["collision"]
        }


@pytest.mark.parametrize("case", ["collision", "thermal", "density_current", "gravity_waves"])
def test_agrees_with_the_reference_program(case: Case, shared_data: Path) -> None:
    """A hundredth of a nanometre in a kilometre: both round in their own way."""
    bubbles = PAIR if case == "collision" else {}
    simulator, ours = solve(case=case, grid=100, frames=2, interval=100.0, **bubbles)
    assert simulator.times.tolist() == pytest.approx([0, 100])
    assert errors(ours, shared_data / f"miniweather/{case}_100x50.nc").max().item() < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("case", ["collision", "thermal", "density_current", "gravity_waves"])
def test_agrees_with_the_reference_program_at_every_output(case: Case, shared_data: Path) -> None:
    bubbles = PAIR if case == "collision" else {}
    settings = {"case": case, "grid": 100, "frames": 5, "interval": 100.0, **bubbles}
    file = shared_data / f"miniweather/{case}_100x50.nc"
    assert errors(solve(**settings)[1], file).max().item() < 1e-10
    # Perturbations of 1e-5 beside a column of 1 in the weakest case, the gravity waves.
    assert errors(solve(**settings, precision="float32")[1], file).max().item() < 2e-3


@pytest.mark.parametrize("number", [0])
def test_gives_the_genuine_trajectories(number: int, shared_data: Path) -> None:
    """To the rounding of their float32 files: half a unit of the last of 24 digits."""
    file = shared_data / f"thermals/thermals_{number:03}.nc"
    simulator, ours = solve(frames=3, **attributes(file))
    assert errors(ours, file).max().item() < 2**-24
    with xr.open_dataset(file, decode_times=False) as data:
        assert simulator.times == pytest.approx(data["t"].values[:3], rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(11))
def test_gives_the_genuine_trajectories_to_their_end(number: int, shared_data: Path) -> None:
    """Their last frame was smoothed once more: a step of no length met the end of the run.

    The hyperviscosity takes its share in every step, whatever its length.
    """
    file = shared_data / f"thermals/thermals_{number:03}.nc"
    simulator = CollidingThermalsConfig(**attributes(file)).build()
    batch = collate([simulator.sample(np.random.RandomState(0))], torch.float64, "cpu")
    *frames, last = simulator.frames(batch)
    sweeper = simulator.sweeper(last, batch)
    sweeper.usual_step = 1e-12
    sweeper.step(1e-12, first="x")
    ours = [simulator.observe(states, batch)[0] for states in (*frames, sweeper.states())]
    assert errors(torch.stack(ours), file).max().item() < 2**-24
    with xr.open_dataset(file, decode_times=False) as data:
        assert simulator.times == pytest.approx(data["t"].values, rel=1e-12)


def test_single_precision_follows_double() -> None:
    settings = {"grid": 32, "frames": 11}
    single, double = (solve(**settings, precision=name)[1][-1] for name in PRECISIONS)
    distance = (single - double).square().sum((1, 2)) / double.square().sum((1, 2))
    assert distance.sqrt().max().item() < 3e-5


@pytest.mark.parametrize("case", ["collision", "thermal", "density_current", "gravity_waves"])
def test_mass_stays(case: Case) -> None:
    _, ours = solve(case=case, grid=32, frames=16)
    # Of 32 × 16 cells with perturbations of 0.1 in a column of 1.
    totals = ours[:, 0].sum((1, 2))
    assert (totals - totals[0]).abs().max().item() < 1e-12


def test_total_energy_stays_within_a_thousandth() -> None:
    """Kinetic, internal and potential energy over 600 s; the start has only the last two."""
    simulator = CollidingThermalsConfig(grid=64, **PAIR).build()
    batch = collate([simulator.sample(np.random.RandomState(0))], torch.float64, "cpu")
    height = torch.from_numpy(simulator.spec.grid.spacing[0] * (np.arange(32) + 0.5))[:, None]
    column, theta = (torch.from_numpy(values) for values in neutral(height.numpy()))

    def energy(states: torch.Tensor) -> tuple[float, float]:
        density = states[0, 0] + column
        warm = states[0, 3] + column * theta
        pressure = C0 * warm**GAMMA
        kinetic = (states[0, 1] ** 2 + states[0, 2] ** 2) / density / 2
        internal = pressure * HEAT_CAPACITY_AT_CONSTANT_VOLUME / 287.0
        moving = kinetic.sum().item()
        return moving, moving + (internal + density * GRAVITY * height).sum().item()

    kinetic, totals = zip(*(energy(states) for states in simulator.frames(batch)), strict=True)
    assert max(kinetic) > 1e-4 * totals[0]
    assert max(abs(total / totals[0] - 1) for total in totals) < 1e-3


def test_a_symmetric_start_stays_symmetric() -> None:
    _, ours = solve(grid=32, frames=16, **PAIR)
    last = ours[-1]
    mirrored = last.flip(-1) * torch.tensor([1, 1, -1, 1]).view(4, 1, 1)
    assert last.abs().amax((1, 2)).min().item() > 1e-2
    assert ((last - mirrored).norm() / last.norm()).item() < 1e-12


@pytest.mark.parametrize("case", ["collision", "thermal"])
def test_air_at_rest_stays_at_rest(case: Case) -> None:
    """Exactly: what is stepped are perturbations, and the column is in balance."""
    still = {"amplitude_1": 0.0} | ({"amplitude_2": 0.0} if case == "collision" else {})
    _, ours = solve(case=case, grid=16, frames=4, **still)
    assert not ours.any()


def test_halving_the_cells_divides_the_error_by_eight() -> None:
    """A stripe of denser air in a uniform wind and pressure is carried along, unchanged.

    The fluxes are of fourth order; the hyperviscosity, a fixed share of the shortest wave
    in each step, leaves third order.
    """
    wind, duration = 30.0, 200.0

    def error(cells: int) -> float:
        width = 20_000.0 / cells
        edges = 2 * math.pi * torch.arange(cells + 1, dtype=torch.float64) / cells
        density, _ = neutral(np.array([500.0]))

        def stripe(moved: float) -> torch.Tensor:
            return (
                0.05 * (edges - 2 * math.pi * moved / 20_000.0).sin().diff() * cells / (2 * math.pi)
            )

        states = torch.zeros(1, 4, 1, cells, dtype=torch.float64)
        states[0, 0, 0] = stripe(0.0)
        states[0, 1, 0] = wind * (states[0, 0, 0] + density.item())
        sweeper = Sweeper(states, neutral, (1000.0, width))
        # The hyperviscosity is that of the step the scheme is made for.
        sweeper.usual_step = duration / (4 * cells)
        for _ in range(4 * cells):
            sweeper.sweep(1, duration / (4 * cells))
        return (sweeper.states()[0, 0, 0] - stripe(wind * duration)).norm().item() / cells**0.5

    found = [error(cells) for cells in (32, 64, 128)]
    orders = [math.log2(a / b) for a, b in pairwise(found)]
    assert orders == pytest.approx([3, 3], abs=0.1)


def test_a_seed_is_one_problem_on_every_grid() -> None:
    coarse, fine = (CollidingThermalsConfig(grid=grid).build() for grid in (64, 128))
    first, second = (each.sample(np.random.RandomState(3)) for each in (coarse, fine))
    assert first.parameters == second.parameters
    averaged = second.state.unflatten(2, (-1, 2)).unflatten(1, (-1, 2)).mean((2, 4))
    assert ((averaged - first.state).norm() / first.state.norm()).item() < 1e-3
