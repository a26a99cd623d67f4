"""FitzHugh–Nagumo from cell noise: PDEBench's files, and convergence in time and space."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bench.validation import Picture, Result
from bench.validation._compare import grouped, over_time, panels, relative, solve
from matey_core.simulators import Sample
from matey_core.simulators._integrate import collate
from matey_core.simulators.diffusion_reaction import DiffusionReaction, DiffusionReactionConfig

FILE = "2D/diffusion-reaction/2D_diff-react_NA_NA.h5"
FOLDERS = ("pdebench_64", "pdebench")
CONVERGENCE_FRAMES = 8
REFINEMENT = 8


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Measure everything the page says."""
    histories: dict[str, np.ndarray] = {}
    for folder in FOLDERS:
        seeds, theirs = grouped(shared / "data" / folder / FILE)
        grid = theirs.shape[-1]
        simulator = solver(grid)
        samples = [simulator.sample(np.random.RandomState(seed)) for seed in seeds]
        ours = solve(simulator, samples)
        errors = relative(ours, theirs, axes=2).max(0)
        histories |= {f"u, {grid}²": errors[:, 0], f"v, {grid}²": errors[:, 1]}
        yield Result(
            against=f"PDEBench's files at {grid}², {len(seeds)} trajectories, from the seed, worst "
            "of all later frames, relative L2",
            measured="{:.1e} (u), {:.1e} (v)".format(*errors.max(0)),
            limit="1e-3: their rtol",
        )
        yield own_step(simulator, samples[:1])
        yield precision(simulator, samples[:1], ours[:1])
    yield order()
    yield Picture(
        name="fields",
        caption=f"u at t = 5, 128², seed {seeds[0]}: PDEBench and ours.",
        figure=panels([[theirs[0, -1, 0], ours[0, -1, 0]]], ["PDEBench", "ours"]),
    )
    yield Picture(
        name="time",
        caption="Relative L2 distance from PDEBench's files over time, worst trajectory.",
        figure=over_time(histories, 0.05),
    )


def solver(grid: int, frames: int = 101) -> DiffusionReaction:
    return DiffusionReactionConfig(grid=grid, frames=frames).build()


def own_step(simulator: DiffusionReaction, samples: list[Sample]) -> Result:
    """The first frames, where the noise decays, against the same with shorter steps."""
    batch = collate(samples, torch.float64, "cpu")
    steps = REFINEMENT * round(
        simulator.spec.time_step / simulator.stable_step(batch.states, batch)
    )
    frames = simulator.frames(batch)
    fine, errors = next(frames), []
    for states in itertools.islice(frames, CONVERGENCE_FRAMES):
        for _ in range(steps):
            fine = simulator.step(fine, simulator.spec.time_step / steps, batch)
        errors.append(((states - fine).norm(dim=(2, 3)) / fine.norm(dim=(2, 3)))[0].tolist())
    u, v = np.max(errors, axis=0)
    grid = simulator.spec.grid.shape[0]
    return Result(
        against=f"itself at {grid}² with steps at least {REFINEMENT} times shorter, worst of the "
        f"first {CONVERGENCE_FRAMES} frames",
        measured=f"{u:.1e} (u), {v:.1e} (v)",
        limit="2e-4",
    )


def precision(simulator: DiffusionReaction, samples: list[Sample], exact: np.ndarray) -> Result:
    errors = relative(solve(simulator, samples, "float32"), exact, axes=2)[0].max(0)
    return Result(
        against=f"float64, the same in float32 at {simulator.spec.grid.shape[0]}², worst frame",
        measured="{:.1e} (u), {:.1e} (v)".format(*errors),
    )


def order() -> Result:
    """Convergence in time from a smooth start, t = 0.8."""
    simulator = solver(32)
    centers = (torch.arange(32, dtype=torch.float64) + 0.5) / 32
    wave = torch.cos(math.pi * centers)
    start = torch.stack([0.6 * wave[:, None] + 0.3 * wave, wave[:, None] * wave - 0.2])
    constants = {"Du": 1e-3, "Dv": 5e-3, "k": 5e-3}
    batch = collate([Sample(state=start, parameters=constants)], torch.float64, "cpu")

    def solution(steps: int) -> torch.Tensor:
        states = batch.states
        for _ in range(steps):
            states = simulator.step(states, 0.8 / steps, batch)
        return states

    exact = solution(160)
    errors = [(solution(steps) - exact).norm().item() for steps in (4, 8, 16)]
    orders = ", ".join(f"{math.log2(a / b):.2f}" for a, b in itertools.pairwise(errors))
    return Result(against="order in time, steps 0.2, 0.1, 0.05", measured=orders, limit="4")
