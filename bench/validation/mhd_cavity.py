"""The MHD cavity against Ghia's table, Hartmann's profile, and itself."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from bench.validation import Picture, Result
from bench.validation._compare import panels, solve
from bench.validation._ghia import DURATIONS, center_lines
from matey_core.simulators import Precision
from matey_core.simulators._staggered import Box
from matey_core.simulators.mhd_cavity import MhdCavity, MhdCavityConfig


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Measure; nothing of `shared` is needed."""
    del shared
    yield from _ghia()
    yield _hartmann()
    yield from _sources()
    yield _field()


def _solver(grid: int, **settings: object) -> MhdCavity:
    return MhdCavityConfig.model_validate({"grid": grid, **settings}).build()


def _drawn(simulator: MhdCavity, precision: Precision = "float64") -> np.ndarray:
    return solve(simulator, [simulator.sample(np.random.RandomState(0))], precision)[0]


def _ghia() -> Iterator[Result | Picture]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for reynolds, duration in DURATIONS.items():
        measured = []
        for grid in (32, 64, 128):
            simulator = _solver(
                grid,
                frames=2,
                interval=duration,
                reynolds=reynolds,
                magnetic_reynolds=1.0,
                stuart=0.0,
            )
            u, v = _drawn(simulator)[-1, :2]
            middle = slice(grid // 2 - 1, grid // 2 + 1)
            lines = center_lines(u[middle].mean(0), v[:, middle].mean(1), reynolds)
            if grid == 128:
                for axis, line in zip((left, right), lines, strict=True):
                    place = np.linspace(0, 1, 300)
                    (drawn,) = axis.plot(place, line.ours(place), label=f"Re {reynolds}")
                    axis.plot(line.place, line.theirs, "o", color=drawn.get_color(), ms=4)
            far = [line.distance for line in lines]
            measured.append(f"{far[0]:.4f}, {far[1]:.4f} ({grid}²)")
        yield Result(
            against=f"Ghia, Ghia and Shin (1982), Re {reynolds}, S = 0, at t = {duration:.0f}: "
            "largest difference of u and of v on the center lines",
            measured="; ".join(measured),
            limit="0.01 of the lid's speed at 128²",
        )
    left.set(xlabel="y", ylabel="u at x = 1/2")
    right.set(xlabel="x", ylabel="v at y = 1/2")
    left.legend()
    yield Picture(
        name="ghia",
        caption="Velocity on the center lines at 128² (lines) and the published table (dots).",
        figure=figure,
    )


def _hartmann(hartmann: float = 5.0, reynolds: float = 10.0) -> Result:
    errors = []
    for rows in (16, 32, 64):
        simulator = _solver(
            8,
            frames=2,
            interval=1.5,
            reynolds=reynolds,
            magnetic_reynolds=1.0,
            stuart=4 * hartmann**2 / reynolds,
        )
        simulator.place(Box((4, rows), 1 / rows, periodic=True))
        simulator.lid = torch.zeros(5, dtype=torch.float64)
        simulator.drive = 1.0
        u = _drawn(simulator)[-1, 0, 0]
        y = 2 * (np.arange(rows) + 0.5) / rows - 1
        exact = np.cosh(hartmann) - np.cosh(hartmann * y)
        errors.append(np.abs(u / u.mean() - exact / exact.mean()).max())
    rates = [np.log2(a / b) for a, b in pairwise(errors)]
    return Result(
        against=f"Hartmann's profile, Ha = {hartmann:.0f}, in the same code with a periodic x and "
        "a steady drive, from rest: largest difference of u over its mean, 16, 32, 64 rows",
        measured=", ".join(f"{error:.1e}" for error in errors)
        + f"; orders {rates[0]:.2f}, {rates[1]:.2f}",
        limit="order two",
    )


def _sources() -> Iterator[Result]:
    settings = {"frames": 21, "reynolds": 400.0, "magnetic_reynolds": 8.0, "stuart": 4.0}
    last = {}
    for precision in ("float64", "float32"):
        frames = _drawn(_solver(64, **settings), precision).astype(np.float64)
        divergence = []
        for x, y in (frames[:, 0:2].swapaxes(0, 1), frames[:, 2:4].swapaxes(0, 1)):
            along_x, along_y = np.diff(x, axis=1), np.diff(y, axis=2)
            total = along_x[:, :, 1:] + along_x[:, :, :-1] + along_y[:, 1:] + along_y[:, :-1]
            divergence.append(np.abs(total).max() * 64 / 2)
        last[precision] = frames[-1]
        yield Result(
            against=f"No sources, {precision}, 64², 20 frames: largest divergence of the stored "
            "velocity and field around a corner, where the largest gradients are about 100",
            measured=f"{divergence[0]:.0e}, {divergence[1]:.0e}",
            limit="rounding",
        )
    far = last["float32"] - last["float64"]
    yield Result(
        against="float32 against float64 in the last of these frames: relative L2",
        measured=f"{np.linalg.norm(far) / np.linalg.norm(last['float64']):.0e}",
    )


def _field() -> Picture:
    rows = []
    for stuart in (0.0, 0.3, 3.0):
        simulator = _solver(
            64,
            frames=2,
            interval=9.9,
            reynolds=400.0,
            magnetic_reynolds=5.0,
            stuart=stuart,
        )
        u, v, bx, by = _drawn(simulator, "float32")[-1]
        rows.append((np.hypot(u, v).T, np.hypot(bx, by).T))
    figure = panels(list(zip(*rows, strict=True)), ["S = 0", "S = 0.3", "S = 3"], cmap="magma")
    return Picture(
        name="stuart",
        caption="Speed (above) and strength of the induced field (below) at t = 9.9; "
        "Re = 400, Rm = 5, transverse field, insulating walls.",
        figure=figure,
    )
