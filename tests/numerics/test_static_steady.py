"""The steady operators against their published constraints and NumPy's complex transform."""

import importlib
import math

import numpy as np
import pytest
import torch

from matey_core.simulators import SIMULATORS, Sample
from matey_core.simulators._integrate import collate
from matey_core.simulators._steady import draw_bumps
from matey_core.simulators.advection_diffusion import (
    STRENGTHS,
    AdvectionDiffusionConfig,
    mean_ratios,
)
from matey_core.simulators.helmholtz import HelmholtzConfig
from matey_core.simulators.poisson import PoissonConfig

NAMES = ("poisson", "advection_diffusion", "helmholtz")


def draw(name: str, seed: int, grid: int = 32) -> Sample:
    return SIMULATORS[name](grid=grid).build().sample(np.random.RandomState(seed))


def last(name: str, seeds: range, grid: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    simulator = SIMULATORS[name](grid=grid).build()
    problems = collate([draw(name, seed, grid) for seed in seeds], dtype, "cpu")
    *_, states = simulator.frames(problems)
    return states


def derivatives(values: np.ndarray) -> dict[str, np.ndarray]:
    """First and second derivatives on the unit square, by NumPy's complex transform."""
    waves = 2j * np.pi * np.fft.fftfreq(len(values), 1 / len(values))
    modes, x, y = np.fft.fft2(values), waves[:, None], waves[None]
    factors = {"x": x, "y": y, "xx": x * x, "xy": x * y, "yy": y * y}
    return {name: np.fft.ifft2(modes * factor).real for name, factor in factors.items()}


def terms(name: str, u: np.ndarray, p: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Diffusion, and whatever else the equation has."""
    d = derivatives(u)
    if name == "helmholtz":
        return -0.01 * (d["xx"] + d["yy"]), -p["omega"] * u
    diffusion = -(p["k11"] * d["xx"] + 2 * p["k12"] * d["xy"] + p["k22"] * d["yy"])
    if name == "poisson":
        return diffusion, np.zeros_like(u)
    return diffusion, p["v1"] * d["x"] + p["v2"] * d["y"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grid", [63, 64])
def test_the_equation_holds_to_rounding(name: str, grid: int) -> None:
    states = last(name, range(3), grid)
    for seed, (source, u) in enumerate(states.numpy()):
        left = sum(terms(name, u, dict(draw(name, seed).parameters)))
        assert np.linalg.norm(left - source) < 1e-9 * np.linalg.norm(source)


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_agrees_to_its_rounding(name: str) -> None:
    double, single = (last(name, range(4), 64, dtype) for dtype in (torch.float64, torch.float32))
    errors = (single[:, 1] - double[:, 1]).norm(dim=(1, 2)) / double[:, 1].norm(dim=(1, 2))
    assert errors.max().item() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_plain_way(name: str) -> None:
    simulator = SIMULATORS[name](grid=64).build()
    plain = importlib.import_module(f"bench.plain.{name}").trajectory(simulator, draw(name, 2, 64))
    assert np.abs(last(name, range(2, 3), 64)[0].numpy() - plain[-1]).max() < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_one_problem_at_any_resolution(name: str) -> None:
    """A grid of 128 has its cell centres in the middle of three cells of 384."""
    coarse, fine = last(name, range(2), 128), last(name, range(2), 384)[..., 1::3, 1::3]
    assert draw(name, 1, 16).parameters == draw(name, 1, 64).parameters
    difference = (coarse - fine).abs().amax((2, 3)) / fine.abs().amax((2, 3))
    # The bumps are cut off at the border, where they are still e^−12.5 = 4e-6.
    assert difference.max().item() < 1e-7


@pytest.mark.parametrize("name", NAMES)
def test_means_are_removed_except_from_the_helmholtz_equation(name: str) -> None:
    states = last(name, range(4), 32)
    means = states.mean((2, 3)).abs()
    if name != "helmholtz":
        assert means.max().item() < 1e-14
        return
    omega = torch.tensor([draw(name, seed).parameters["omega"] for seed in range(4)])
    assert means[:, 0].min().item() > 1e-3
    torch.testing.assert_close(means[:, 1], means[:, 0] / omega, rtol=1e-12, atol=0)


def test_bumps_are_switched_off_in_the_published_shares() -> None:
    random = np.random.RandomState(0)
    drawn = [draw_bumps(12, random) for _ in range(400)]
    empty = np.array([(amplitudes == 0).mean() for amplitudes in drawn])
    counts = np.histogram(empty, bins=(0, 0.3, 0.5, 0.7, 1))[0]
    assert counts == pytest.approx([100] * 4, abs=30)
    for low, high, p in ((0, 0.3, 0.2), (0.7, 1, 0.8)):
        assert empty[(low < empty) & (empty < high)].mean() == pytest.approx(p, abs=0.01)
    on = np.concatenate([amplitudes[amplitudes > 0] for amplitudes in drawn])
    assert on.min() >= 1e-3
    assert on.max() <= 1
    assert on.mean() == pytest.approx(0.5005, abs=0.01)
    assert min((amplitudes > 0).sum() for amplitudes in (draw_bumps(1, random),) * 9) == 1


def test_sources_are_at_most_one_and_vanish_at_the_border() -> None:
    simulator = HelmholtzConfig(grid=128).build()
    for seed in range(8):
        source = simulator.sample(np.random.RandomState(seed)).state[0]
        assert source.max().item() == 1
        assert source.min().item() >= 0
        assert source[0].max().item() < 1e-5


def test_six_bumps_are_twice_as_wide() -> None:
    narrow, wide = (
        PoissonConfig(grid=96, bumps=bumps).build().sample(np.random.RandomState(0)).state[0]
        for bumps in (12, 6)
    )
    steepness = [values.diff(dim=0).abs().max().item() for values in (narrow, wide)]
    assert steepness[0] / steepness[1] == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("eigenvalue", [(1.0, 5.0), (10.0, 20.0)])
def test_diffusion_tensors_have_the_published_eigenvalues(eigenvalue: tuple[float, float]) -> None:
    simulator = PoissonConfig(grid=8, eigenvalue=eigenvalue).build()
    directions = []
    for seed in range(30):
        p = simulator.sample(np.random.RandomState(seed)).parameters
        matrix = np.array([[p["k11"], p["k12"]], [p["k12"], p["k22"]]])
        values, vectors = np.linalg.eigh(matrix)
        assert values == pytest.approx([0.01, 0.01 * p["e"]], rel=1e-12)
        assert eigenvalue[0] <= p["e"] <= eigenvalue[1]
        directions.append(math.atan2(*vectors[:, 0]) % math.pi)
    assert np.histogram(directions, bins=4, range=(0, math.pi))[0].min() > 0


@pytest.mark.parametrize("ratio", [0.2, 1.0, 5.0])
def test_the_mean_ratio_hits_its_target(ratio: float) -> None:
    """Over problems that were not used to choose λ; the bound is three standard errors."""
    simulator = AdvectionDiffusionConfig(grid=64, ratio=ratio).build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in range(60)]
    batch = collate(samples, torch.float64, "cpu")
    states = simulator.step(batch.states, 0.0, batch)
    found = []
    for sample, u in zip(samples, states[:, 1].numpy(), strict=True):
        diffusion, advection = terms("advection_diffusion", u, dict(sample.parameters))
        found.append(np.linalg.norm(advection) / np.linalg.norm(diffusion))
    error = np.std(found) / math.sqrt(len(found))
    assert np.mean(found) == pytest.approx(ratio, abs=3 * math.sqrt(2) * error)


def test_more_advection_is_a_larger_ratio() -> None:
    ratios = mean_ratios((1.0, 5.0), 12)
    assert np.all(np.diff(ratios) > 0)
    assert ratios[0] < 1e-2
    assert ratios[-1] > 1e2
    assert len(ratios) == len(STRENGTHS)


def test_velocity_and_diffusion_share_what_there_is() -> None:
    """K of eigenvalues 0.01 (1 − λ)(1, e) and |v| = λ."""
    simulator = AdvectionDiffusionConfig(grid=8).build()
    for seed in range(5):
        p = simulator.sample(np.random.RandomState(seed)).parameters
        share = math.hypot(p["v1"], p["v2"])
        matrix = np.array([[p["k11"], p["k12"]], [p["k12"], p["k22"]]])
        expected = [0.01 * (1 - share), 0.01 * (1 - share) * p["e"]]
        assert np.linalg.eigvalsh(matrix) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("omega", [(1.0, 10.0), (15.0, 20.0)])
def test_large_helmholtz_solutions_are_drawn_again(omega: tuple[float, float]) -> None:
    simulator = HelmholtzConfig(grid=128, omega=omega).build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in range(24)]
    batch = collate(samples, torch.float64, "cpu")
    states = simulator.step(batch.states, 0.0, batch)
    assert states[:, 1].abs().max().item() <= 2
    drawn = {sample.parameters["omega"] for sample in samples}
    assert all(value.is_integer() and omega[0] <= value <= omega[1] for value in drawn)
    assert len(drawn) > 2
