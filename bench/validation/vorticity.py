"""The periodic flow against exact solutions, NumPy, itself under refinement, and its budgets."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import torch

from bench.plain.vorticity import trajectory
from bench.validation import Picture, Result
from bench.validation._compare import panels, relative, solve
from matey_core.simulators import Batch
from matey_core.simulators._integrate import collate
from matey_core.simulators.vorticity import FIELDS, Vorticity, VorticityConfig

VISCOSITIES = (1e-3, 1e-4, 1e-5)


def validate(shared: Path) -> Iterator[Result | Picture]:
    del shared
    yield _picture()
    yield _taylor_green()
    yield _order()
    for nu in VISCOSITIES:
        yield _resolution(nu)
    yield _plain()
    yield _precision()
    yield _budgets()


def _problem(simulator: Vorticity, scale: float = 1.0) -> Batch:
    batch = collate([simulator.sample(np.random.RandomState(0))], torch.float64, "cpu")
    return dataclasses.replace(batch, states=scale * batch.states)


def _taylor_green() -> Result:
    points, nu, end = 64, 0.01, 1.0
    simulator = VorticityConfig(grid=points, nu=nu, forcing=0.0, frames=2, interval=end).build()
    batch = _problem(simulator, 0.0)
    modes = torch.view_as_complex(batch.states)
    modes[0, 0, 1, 1] = modes[0, 0, 1, -1] = 0.25
    *_, last = simulator.frames(batch)
    angle = 2 * np.pi * np.arange(points) / points
    exact = np.exp(-8 * np.pi**2 * nu * end) * np.cos(angle)[:, None] * np.cos(angle)
    found = simulator.observe(last, batch)[0, 2].numpy()
    return Result(
        against="Taylor–Green vortices, ν = 0.01, t = 1: exact decay of ω = cos 2πx cos 2πy",
        measured=f"{np.abs(found - exact).max():.1e} (ω)",
        limit="rounding: viscosity is exact, and the vortices do not move each other",
    )


def _order() -> Result:
    simulator = VorticityConfig(grid=32, nu=2e-3).build()
    batch = _problem(simulator, 10.0)

    def solution(steps: int) -> torch.Tensor:
        states = batch.states
        for _ in range(steps):
            states = simulator.step(states, 0.4 / steps, batch)
        return states

    exact = solution(512)
    errors = [((solution(n) - exact).norm() / exact.norm()).item() for n in (16, 32, 64, 128)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    return Result(
        against="itself with 512 steps: error with 16, 32, 64 and 128, ten times the usual wind",
        measured=f"{', '.join(f'{error:.1e}' for error in errors)}: orders "
        f"{', '.join(f'{order:.2f}' for order in orders)}",
        limit="order 4",
    )


def _resolution(nu: float) -> Result:
    """Solve one seed at 64 and 128 cells, and compare with 256 on the points they share."""
    stored = {}
    for points in (64, 128, 256):
        simulator = VorticityConfig(grid=points, nu=nu, frames=3, interval=5.0).build()
        sample = simulator.sample(np.random.RandomState(0))
        step = points // 64
        stored[points] = solve(simulator, [sample])[0, ..., ::step, ::step]
    coarse, middle = (
        relative(stored[points][:, 2], stored[256][:, 2], axes=2)[1:] for points in (64, 128)
    )
    return Result(
        against=f"itself with 256 cells, ν = {nu:g}: relative L2 distance of ω at t = 5 and 10",
        measured=f"64 cells: {coarse[0]:.1e}, {coarse[1]:.1e}; "
        f"128 cells: {middle[0]:.1e}, {middle[1]:.1e}",
        limit="none: shows which viscosities a grid resolves",
    )


def _plain() -> Result:
    simulator = VorticityConfig(frames=6).build()
    sample = simulator.sample(np.random.RandomState(0))
    theirs = trajectory(simulator, sample)
    distances = relative(solve(simulator, [sample])[0], theirs, axes=2)[1:].max(0)
    return Result(
        against="NumPy, v·∇ω as it stands with full transforms and a mask, 128 cells, t = 1 … 5: "
        "the largest relative L2 distance",
        measured=_each(distances),
        limit="1e-12, rounding",
    )


def _precision() -> Result:
    simulator = VorticityConfig().build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in range(2)]
    single, double = (solve(simulator, samples, name) for name in ("float32", "float64"))
    distances = relative(single.astype(np.float64), double, axes=2)[:, 1:].max((0, 1))
    return Result(
        against="itself in float64: float32, two default problems, t = 1 … 20, "
        "the largest relative L2 distance",
        measured=_each(distances),
        limit="none",
    )


def _budgets() -> Result:
    """Change of energy and enstrophy, and the integral of their rates by Simpson's rule."""
    points, frames, interval = 64, 801, 0.0125
    config = VorticityConfig(grid=points, nu=1e-3, frames=frames, interval=interval)
    simulator = config.build()
    sample = simulator.sample(np.random.RandomState(0))
    vorticity = solve(simulator, [sample])[0][:, 2]
    whole = 2 * np.pi * np.fft.fftfreq(points, 1 / points)
    square = whole[:, None] ** 2 + whole**2
    inverse = 1 / np.where(square, square, np.inf)
    angle = 2 * np.pi * np.arange(points) / points
    total = angle[:, None] + angle
    force = np.fft.fft2(0.1 * (np.sin(total) + np.cos(total)), norm="forward")
    modes = np.fft.fft2(vorticity, norm="forward")
    weights = np.array([1, *[4, 2] * ((frames - 2) // 2), 4, 1]) * interval / 3
    parts = []
    for name, weight in (("energy", inverse), ("enstrophy", np.ones_like(square))):
        size = (weight * np.abs(modes) ** 2).sum((1, 2)) / 2
        gain = (weight * (modes * force.conj()).real).sum((1, 2))
        loss = 1e-3 * (weight * square * np.abs(modes) ** 2).sum((1, 2))
        gap = size[-1] - size[0] - weights @ (gain - loss)
        parts.append(
            f"{name}: {size[0]:.3e} + {weights @ gain:.3e} (force) − {weights @ loss:.3e} "
            f"(viscosity) = {size[-1]:.3e}, gap {abs(gap) / size[0]:.0e} of the start"
        )
    return Result(
        against="the budgets over t = 0 … 10, ν = 1e-3, 64 cells, 800 frames",
        measured="<br>".join(parts),
        limit="gap: 1e-6, the rule of integration included",
    )


def _each(distances: np.ndarray) -> str:
    pairs = zip(FIELDS, distances.tolist(), strict=True)
    return ", ".join(f"{value:.1e} ({name})" for name, value in pairs)


def _picture() -> Picture:
    rows = []
    for nu in (VISCOSITIES[0], VISCOSITIES[-1]):
        simulator = VorticityConfig(nu=nu, frames=4, interval=20 / 3).build()
        sample = simulator.sample(np.random.RandomState(0))
        rows.append([frame[2].T for frame in solve(simulator, [sample], "float32")[0]])
    # Few colors and no blending make a small file.
    few = matplotlib.colormaps["RdBu_r"].resampled(25)
    titles = ["t = 0", "t = 6.7", "t = 13.3", "t = 20"]
    return Picture(
        name="frames",
        caption="Vorticity of one seed, ν = 1e-3 above and 1e-5 below",
        figure=panels(rows, titles, cmap=few, interpolation="nearest"),
    )
