"""Stratified flow against the reference program's files, in both precisions."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from bench.validation import Picture, Result
from bench.validation._compare import panels, relative, solve
from matey_core.simulators import PRECISIONS, Batch, Precision
from matey_core.simulators._integrate import collate
from matey_core.simulators.colliding_thermals import (
    CASES,
    NAMES,
    UNITS,
    Case,
    CollidingThermals,
    CollidingThermalsConfig,
)

COLLISION = dict(zip(CASES["collision"], (20.0, 1e4, 2e3, 2e3, -20.0, 1e4, 8e3, 2e3), strict=True))
"""Bubbles of the reference program's standard collision."""


def validate(shared: Path) -> Iterator[Result | Picture]:
    for case in CASES:
        yield _case(shared / "data/miniweather" / f"{case}_100x50.nc", case)
    files = sorted((shared / "data/thermals").glob("*.nc"))
    theirs = np.stack([_read(file) for file in files])
    for precision, limit in (
        ("float64", "6.0e-8, rounding of their float32 files"),
        ("float32", "none: rounding grows with the instabilities of the flow"),
    ):
        ours = _trajectories(files, precision)
        distances = relative(ours[:, 1:], theirs[:, 1:], axes=2).max((0, 1))
        yield Result(
            against=f"{len(files)} trajectories of 128×64 cells and 31 frames, each from its "
            f"attributes (six decimals), {precision}, the last frame smoothed once more as theirs; "
            "the largest relative L2 distance of all frames",
            measured=_each(distances),
            limit=limit,
        )
        if precision == "float64":
            yield _picture(ours[0], theirs[0])
    yield from _kept()


def _case(file: Path, case: Case) -> Result:
    bubbles = COLLISION if case == "collision" else {}
    config = CollidingThermalsConfig(case=case, grid=100, frames=5, interval=100.0, **bubbles)
    simulator = config.build()
    sample = simulator.sample(np.random.RandomState(0))
    theirs = _read(file)[1:]
    double, single = (
        _each(relative(solve(simulator, [sample], name)[0][1:], theirs, axes=2).max(0))
        for name in ("float64", "float32")
    )
    return Result(
        against=f"reference program, {case.replace('_', ' ')}, 100×50 cells, t = 100 … 400 s; "
        "the largest relative L2 distance of the four outputs",
        measured=f"float64: {double}<br>float32: {single}",
        limit="float64: 1e-10, the same scheme in another order of operations",
    )


def _read(file: Path) -> np.ndarray:
    """Stored fields of a file: (t, 4, z, x)."""
    with xr.open_dataset(file, decode_times=False) as data:
        return np.stack([np.asarray(data[name].values, np.float64) for name in UNITS], 1)


def _trajectories(files: list[Path], precision: Precision) -> np.ndarray:
    """Solve each file's problem from its attributes: (files, t, 4, z, x).

    The program that made them was given six decimals of the numbers in the attributes.
    """
    simulators, samples = [], []
    for file in files:
        with xr.open_dataset(file, decode_times=False) as data:
            bubbles = {
                name: round(float(data.attrs[f"{NAMES[name[:-2]]}{name[-2:]}"]), 6)
                for name in CASES["collision"]
            }
        simulators.append(CollidingThermalsConfig(**bubbles).build())
        samples.append(simulators[-1].sample(np.random.RandomState(0)))
    batch = collate(samples, PRECISIONS[precision], "cpu")
    *frames, last = simulators[0].frames(batch)
    frames.append(_smoothed(simulators[0], last, batch))
    observed = [simulators[0].observe(states, batch) for states in frames]
    return torch.stack(observed, 1).double().numpy()


def _smoothed(simulator: CollidingThermals, states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Take the reference's very last step, by which its clock met 600 s to the last digit.

    It has no length, but the hyperviscosity takes its share in every step.
    """
    sweeper = simulator.sweeper(states, batch)
    sweeper.usual_step = 1e-12
    sweeper.step(1e-12, first="x")
    return sweeper.states()


def _kept() -> Iterator[Result]:
    """Mass and symmetry of the standard collision over 600 s."""
    simulator = CollidingThermalsConfig(grid=100, **COLLISION).build()
    sample = simulator.sample(np.random.RandomState(0))
    for precision, limit in (("float64", "1e-13"), ("float32", "1e-6")):
        batch = collate([sample], PRECISIONS[precision], "cpu")
        states = list(simulator.frames(batch))
        masses = [simulator.densities(each, batch)["mass"].double().sum().item() for each in states]
        drift = max(abs(mass / masses[0] - 1) for mass in masses)
        last = simulator.observe(states[-1], batch).double()[0]
        mirrored = last.flip(-1) * torch.tensor([1, 1, -1, 1]).view(4, 1, 1)
        lopsided = ((last - mirrored).norm() / last.norm()).item()
        yield Result(
            against=f"itself: standard collision, 600 s, {precision}",
            measured=f"mass changes by {drift:.1e} of itself; mirrored about the middle, "
            f"the last frame differs by {lopsided:.1e}",
            limit=f"mass: {limit}",
        )


def _each(distances: np.ndarray) -> str:
    pairs: Mapping[str, float] = dict(zip(UNITS, distances.tolist(), strict=True))
    return ", ".join(f"{value:.1e} ({name})" for name, value in pairs.items())


def _picture(ours: np.ndarray, theirs: np.ndarray) -> Picture:
    chosen = (0, 10, 20, 30)
    titles = [f"t = {20 * frame} s" for frame in chosen]
    rows = [[values[frame, 1] for frame in chosen] for values in (theirs, ours)]
    return Picture(
        name="collision",
        caption="θ − θ̄ in K of the first trajectory: the reference program above, ours below",
        figure=panels(rows, titles, cmap="RdBu_r"),
    )
