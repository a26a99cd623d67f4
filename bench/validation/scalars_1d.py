"""1D advection, Burgers and reaction–diffusion against published files and exact solutions."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.integrate import solve_ivp

from bench.validation import Picture, Result
from bench.validation._compare import relative, solve, stacked
from bench.validation._scalars import cole_hopf, numbers_of
from matey_core.simulators import SIMULATORS, Sample
from matey_core.simulators._sine_starts import averages

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELLS = 1024


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Measure each equation in turn."""
    published = shared / "data" / "pdebench" / "1D"
    yield from _advection(published)
    yield from _burgers(published)
    yield from _shocks()
    yield from _fisher(published)


def _advection(published: Path) -> Iterator[Result]:
    theirs = stacked(published / "Advection/Train/1D_Advection_Sols_beta0.4.hdf5", "tensor")
    starts = [numbers_of(solution[0]) for solution in theirs]
    again = torch.cat([averages(start[None], CELLS) for start in starts]).numpy()
    yield Result(
        against="starts: the first frames of five published trajectories, from 12 fitted numbers",
        measured=f"largest difference {np.abs(again - theirs[:, 0]).max():.1e}",
        limit="2e-6: float32",
    )
    simulator = SIMULATORS["advection_1d"](beta=0.4).build()
    samples = [Sample(state=start[None], parameters={"beta": 0.4}) for start in starts]
    distance = relative(solve(simulator, samples)[:, :, 0], theirs, axes=1).max(1)
    yield Result(
        against="advection: later frames of the published β = 0.4, relative L2, largest in time",
        measured=f"{_listed(distance[[0, 1, 2, 4]])} (sines), {distance[3]:.1e} (window)",
        limit="1 % (sines), 5 % (window): ours is exact, theirs smooths short waves",
    )


def _burgers(published: Path) -> Iterator[Result | Picture]:
    theirs = stacked(published / "Burgers/Train/1D_Burgers_Sols_Nu0.01.hdf5", "tensor")
    starts = [numbers_of(solution[0]) for solution in theirs]
    ours = {
        grid: solve(
            SIMULATORS["burgers_1d"](grid=grid).build(),
            [Sample(state=averages(s[None], grid), parameters={"Nu": 0.01}) for s in starts],
            "float32" if grid == CELLS else "float64",
        )[:, :, 0]
        .reshape(len(starts), -1, CELLS, grid // CELLS)
        .mean(-1)
        for grid in (CELLS, 2 * CELLS)
    }
    for grid, solution in ours.items():
        yield Result(
            against=f"Burgers: later frames of the published Nu = 0.01, ours with {grid} cells",
            measured=_listed(relative(solution, theirs, axes=1).max(1)),
            limit="5 % at shocks: schemes of the same order",
        )
    change = relative(ours[CELLS], ours[2 * CELLS], axes=1).max(1)
    drift = np.abs(theirs.mean(-1) - theirs[:, :1].mean(-1)).max()
    ours_drift = np.abs(ours[CELLS].mean(-1) - ours[CELLS][:, :1].mean(-1)).max()
    yield Result(
        against="Burgers: ours with 1024 cells (float32) and with 2048 (float64)",
        measured=_listed(change),
        limit="less than the difference from the published files, which is therefore theirs",
    )
    yield Result(
        against="Burgers: change of the mean velocity until t = 2",
        measured=f"ours {ours_drift:.1e}, published {drift:.1e}",
        limit="1e-6: rounding to float32",
    )
    yield Picture(
        name="burgers",
        caption="Burgers, Nu = 0.01: ours (lines) on the published solution (dots, each 16th)",
        figure=_burgers_figure(ours[CELLS], theirs),
    )


def _shocks() -> Iterator[Result]:
    time, grids = 0.3, (1024, 2048, 4096)
    for viscosity, limit in (
        (0.01, "second order"),
        (0.001, "1 % with 1024 cells, where the shock is thinner than a cell; less with more"),
    ):
        distances = []
        for grid in grids:
            simulator = SIMULATORS["burgers_1d"](
                grid=grid, frames=2, interval=time, nu=viscosity
            ).build()
            start, exact = _waves(grid, time, viscosity / np.pi)
            sample = Sample(state=start[None], parameters={"Nu": viscosity})
            distances.append(relative(solve(simulator, [sample])[0, 1], exact, axes=1)[0])
        orders = np.log2(np.array(distances[:-1]) / distances[1:])
        yield Result(
            against=f"Burgers: Cole and Hopf's solution, Nu = {viscosity}, steep from t = 0.16; "
            f"at t = {time} with {', '.join(map(str, grids))} cells",
            measured=f"{_listed(distances)}; orders {', '.join(f'{o:.1f}' for o in orders)}",
            limit=limit,
        )


def _waves(grid: int, time: float, diffusion: float) -> tuple[torch.Tensor, np.ndarray]:
    """Averages of 0.3 + sin 2πx over cells, and the exact solution's at a time."""
    edges = np.arange(grid + 1) / grid
    points = np.linspace(-1, 2, 30001)

    def integral(x: np.ndarray) -> np.ndarray:
        return 0.3 * x - np.cos(2 * np.pi * x) / (2 * np.pi)

    start = np.diff(integral(edges)) * grid
    exact = cole_hopf(integral(points), points[1] - points[0], edges, time, diffusion)
    return torch.from_numpy(start), exact


def _fisher(published: Path) -> Iterator[Result | Picture]:
    path = published / "ReactionDiffusion/Train/ReacDiff_Nu0.5_Rho1.0.hdf5"
    theirs = stacked(path, "tensor")
    parameters = {"Nu": 0.5, "rho": 1.0}
    samples = [
        Sample(state=torch.from_numpy(solution[:1].copy()), parameters=parameters)
        for solution in theirs
    ]
    simulator = SIMULATORS["reaction_diffusion_1d"]().build()
    ours = solve(simulator, samples, "float32")[:, :, 0]
    exact = np.stack([_method_of_lines(solution[0], simulator.times) for solution in theirs[:3]])
    yield Result(
        against="reaction–diffusion: SciPy's Radau (rtol 1e-9) on 64 Fourier modes, three "
        "published starts",
        measured=_listed(relative(ours[:3, 1:], exact[:, 1:], axes=1).max(1)),
        limit="1e-3: our splitting and second-order diffusion",
    )
    logistic = 1 / (1 + (1 / ours[:, 0].mean(-1) - 1) * np.exp(-1))
    distance = relative(ours, theirs, axes=1)[:, -1]
    yield Result(
        against="reaction–diffusion: mean at t = 1 of eight published starts",
        measured=f"ours {_span(ours[:, -1].mean(-1))}, logistic growth of the mean "
        f"{_span(logistic)}, published files {_span(theirs[:, -1].mean(-1))}",
        limit="ours near the logistic curve; the published files stall",
    )
    yield Result(
        against="reaction–diffusion: relative L2 distance from the published files at t = 1",
        measured=_span(distance),
        limit="none: theirs is another dynamics",
    )
    yield Picture(
        name="fisher",
        caption="Reaction–diffusion: mean of a published start in time",
        figure=_means(simulator.times, ours[2], theirs[2]),
    )


def _method_of_lines(start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Fisher's equation on the slowest 64 modes of a start, at its points."""
    modes, cells = 65, len(start)
    points = 4 * (modes - 1)
    squares = (2 * np.pi * np.arange(points // 2 + 1)) ** 2
    coarse = np.fft.irfft(np.fft.rfft(start)[:modes], points) * (points / cells)

    def rate(_: float, u: np.ndarray) -> np.ndarray:
        return np.fft.irfft(-0.5 * squares * np.fft.rfft(u), points) + u * (1 - u)

    solution = solve_ivp(
        rate, (0, times[-1]), coarse, "Radau", t_eval=times, rtol=1e-9, atol=1e-11
    ).y.T
    return np.fft.irfft(np.fft.rfft(solution), cells) * (cells / points)


def _listed(values: object) -> str:
    return ", ".join(f"{value:.1e}" for value in np.ravel(values))


def _span(values: np.ndarray) -> str:
    return f"{values.min():.3f} to {values.max():.3f}"


def _burgers_figure(ours: np.ndarray, theirs: np.ndarray) -> "Figure":
    def draw(axis: object, sample: int) -> None:
        x = (np.arange(CELLS) + 0.5) / CELLS
        for frame in (0, 10, 30, 100):
            (line,) = axis.plot(x, ours[sample, frame], lw=1, label=f"t = {frame / 100:.1f}")
            axis.plot(x[::16], theirs[sample, frame, ::16], ".", ms=3, color=line.get_color())
        axis.set(xlabel="x", ylabel="u")
        axis.legend(fontsize=7)

    return _columns([lambda axis: draw(axis, 1), lambda axis: draw(axis, 3)])


def _means(times: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> "Figure":
    def draw(axis: object) -> None:
        logistic = 1 / (1 + (1 / ours[0].mean() - 1) * np.exp(-times))
        axis.plot(times, ours.mean(-1), label="ours")
        axis.plot(times, logistic, ":", color="black", label="logistic growth of the mean")
        axis.plot(times, theirs.mean(-1), "--", label="published file")
        axis.set(xlabel="t", ylabel="mean of u")
        axis.legend(fontsize=7)

    return _columns([draw])


def _columns(drawings: list[Callable[[object], None]]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(drawings), 3), layout="constrained")
    axes = figure.subplots(1, len(drawings), squeeze=False)[0]
    for axis, drawing in zip(axes, drawings, strict=True):
        drawing(axis)
    return figure
