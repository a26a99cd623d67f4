"""The radial dam break: PDEBench's files, Stoker's plane dam, refinement and open edges."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.optimize import brentq

from bench.validation import Picture, Result
from bench.validation._compare import grouped, over_time, relative, solve
from matey_core.simulators import Sample
from matey_core.simulators._integrate import collate
from matey_core.simulators.shallow_water import ShallowWater, ShallowWaterConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "2D/shallow-water/2D_rdb_NA_NA.h5"
FOLDERS = ("pdebench_64", "pdebench")
FINE = 512
"""Cells along each axis of the solution that stands for the exact one."""
PLANE_CELLS = (128, 256, 512)


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Measure everything the page says."""
    published = {folder: grouped(shared / "data" / folder / FILE) for folder in FOLDERS}
    histories = {}
    for seeds, theirs in published.values():
        grid = theirs.shape[-1]
        parts = []
        for sweeps in ("x_first", "symmetric"):
            ours = trajectories(grid, seeds, sweeps=sweeps)
            errors = relative(ours, theirs, axes=2)[..., 0]
            histories[f"{grid}², {sweeps}"] = errors.max(0)
            parts.append(f"{errors.max():.1e} ({sweeps})")
        yield Result(
            against=f"PDEBench's files at {grid}², {len(seeds)} trajectories, from the seed, worst "
            "of all later frames, relative L2",
            measured=", ".join(parts),
            limit="rounding of float32 (x_first), 1e-2 (symmetric)",
        )
    seeds, theirs = published["pdebench"]
    yield from refinement(seeds[0], theirs[0, -1, 0])
    yield from plane_dam()
    yield from edges()
    yield Picture(
        name="fields",
        caption=f"Height at t = 1, 128², seed {seeds[0]}: PDEBench, ours, and the difference.",
        figure=fields(theirs[0, -1, 0], trajectories(128, seeds[:1])[0, -1, 0]),
    )
    yield Picture(
        name="plane",
        caption="A plane dam, 2 : 1, at t = 1, beside the exact solution.",
        figure=profile(),
    )
    yield Picture(
        name="time",
        caption="Relative L2 distance from PDEBench's files over time, worst trajectory.",
        figure=over_time(histories, 0.01),
    )


def trajectories(grid: int, seeds: list[int], **settings: str) -> np.ndarray:
    simulator = solver(grid=grid, **settings)
    return solve(simulator, [simulator.sample(np.random.RandomState(seed)) for seed in seeds])


def solver(**settings: object) -> ShallowWater:
    return ShallowWaterConfig.model_validate(settings).build()


def refinement(seed: int, theirs: np.ndarray) -> Iterator[Result]:
    """Each grid's own start, the last frame, averaged over the cells of the coarser grid."""

    def last(grid: int) -> np.ndarray:
        simulator = solver(grid=grid, frames=2, interval=1.0)
        samples = [simulator.sample(np.random.RandomState(seed))]
        return solve(simulator, samples, "float64" if grid < FINE else "float32")[0, -1, 0]

    solutions = {grid: last(grid) for grid in (64, 128, 256, FINE)}
    exact = solutions[FINE].astype(np.float64)
    parts = [
        f"{distance(solutions[grid], average(exact, grid)):.1e} ({grid}²)"
        for grid in (64, 128, 256)
    ]
    yield Result(
        against=f"itself at {FINE}², averaged, t = 1: relative L2", measured=", ".join(parts)
    )
    parts = [
        f"{distance(average(solutions[grid], 128), theirs):.1e} ({grid}²)"
        for grid in (128, 256, FINE)
    ]
    yield Result(
        against="PDEBench's file at 128², t = 1, ours finer and averaged: relative L2",
        measured=", ".join(parts),
        limit="their own error, which is ours at 128²",
    )


def average(values: np.ndarray, grid: int) -> np.ndarray:
    factor = len(values) // grid
    return values.reshape(grid, factor, grid, factor).mean((1, 3))


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def centers(grid: int) -> np.ndarray:
    return -2.5 + (np.arange(grid) + 0.5) * 5 / grid


def advance(simulator: ShallowWater, states: torch.Tensor, time: float) -> torch.Tensor:
    """Any (3, x, y) states, after some time."""
    batch = collate([Sample(state=states, parameters={"gravity": 1.0})], torch.float64, "cpu")
    steps = math.ceil(time / simulator.stable_step(batch.states, batch) - 1e-9)
    states = batch.states
    for _ in range(steps):
        states = simulator.step(states, time / steps, batch)
    return states[0]


def plane(grid: int) -> np.ndarray:
    """Heights at t = 1 of a plane dam."""
    height = torch.from_numpy(np.where(centers(grid) < 0, 2.0, 1.0))
    states = torch.stack([height, 0 * height, 0 * height])[..., None].expand(-1, -1, 4)
    return advance(solver(grid=grid, sweeps="x_first"), states, 1.0)[0, :, 0].numpy()


def stoker(x: np.ndarray) -> np.ndarray:
    """The exact solution at t = 1 (Stoker 1957, section 10.8)."""

    def excess(h: float) -> float:
        return 2 * (math.sqrt(2) - math.sqrt(h)) - (h - 1) * math.sqrt((1 / h + 1) / 2)

    middle = brentq(excess, 1, 2, xtol=1e-14)
    velocity = 2 * (math.sqrt(2) - math.sqrt(middle))
    shock = middle * velocity / (middle - 1)
    return np.select(
        [x < -math.sqrt(2), x < velocity - math.sqrt(middle), x < shock],
        [2.0, (2 * math.sqrt(2) - x) ** 2 / 9, middle],
        1.0,
    )


def plane_dam() -> Iterator[Result]:
    errors = [np.abs(plane(grid) - stoker(centers(grid))).mean() for grid in PLANE_CELLS]
    parts = [f"{e:.1e} ({n} cells)" for n, e in zip(PLANE_CELLS, errors, strict=True)]
    order = math.log2(errors[-2] / errors[-1])
    yield Result(
        against="a plane dam, 2 : 1, t = 1, exact (Stoker): mean error",
        measured=f"{', '.join(parts)}; order {order:.2f}",
        limit="order 1 at a shock",
    )


def edges() -> Iterator[Result]:
    """A round hump of height 0.5, in the domain and in one of twice the size."""

    def hump(x: np.ndarray) -> torch.Tensor:
        height = torch.from_numpy(1 + 0.5 * np.exp(-3 * (x[:, None] ** 2 + x**2)))
        return torch.stack([height, 0 * height, 0 * height])

    simulator = solver(grid=64)
    near = advance(simulator, hump(centers(64)), 4.0)[0]
    sea = advance(simulator, hump(2 * centers(128)), 4.0)[0, 32:-32, 32:-32]
    yield Result(
        against="a round hump of height 0.5 at t = 4, after its wave has left, beside the same "
        "in a domain of twice the size: largest difference",
        measured=f"{(near - sea).abs().max().item() / 0.5:.1%} of the hump",
        limit="extrapolation is exact for no wave that comes aslant",
    )


def fields(theirs: np.ndarray, ours: np.ndarray) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 2.5), layout="constrained")
    shown = (("PDEBench", theirs), ("ours", ours), ("difference", ours - theirs))
    for axis, (title, values) in zip(figure.subplots(1, 3), shown, strict=True):
        size = np.abs(values).max()
        limits = (-size, size) if title == "difference" else (theirs.min(), theirs.max())
        colors = "RdBu_r" if title == "difference" else "viridis"
        image = axis.imshow(values.T, origin="lower", cmap=colors, clim=limits)
        axis.set(xticks=[], yticks=[], title=title)
        figure.colorbar(image, ax=axis, shrink=0.8)
    return figure


def profile() -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.8), layout="constrained")
    axis = figure.subplots()
    fine = np.linspace(-2.5, 2.5, 2001)
    axis.plot(fine, stoker(fine), "k", linewidth=0.8, label="exact")
    axis.plot(centers(128), plane(128), "o", markersize=2.5, label="128 cells")
    axis.set(xlabel="x", ylabel="height")
    axis.legend(frameon=False)
    return figure
