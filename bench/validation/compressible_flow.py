"""Compressible flow against PDEBench's own files and the exact shock tube."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.validation import Picture, Result
from bench.validation._compare import panels, relative, solve, stacked
from bench.validation._gas import SOD, coarsen, refine, riemann
from matey_core.simulators import Precision, Sample
from matey_core.simulators.compressible_flow import CompressibleFlowConfig, conserved

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEYS = ("density", "pressure", "Vx", "Vy", "Vz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A published file, and what is solved from its first frames."""

    title: str
    path: str
    axes: int
    viscosity: float
    samples: int
    frames: int
    refined_frames: int
    limit: str
    stress: str = "complete"


RAND_2D = Case(
    title="2D random fields, M 0.1, η = ζ = 0.01, 128²",
    path="2D/CFD/2D_Train_Rand/2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5",
    axes=2,
    viscosity=0.01,
    samples=1,
    frames=21,
    refined_frames=2,
    limit="1 %: smooth, same order, same grid",
    stress="published",
)
TURB_2D = Case(
    title="2D turbulence, M 1, inviscid, 128²",
    path="2D/CFD/2D_Train_Turb/2D_CFD_Turb_M1.0_Eta1e-08_Zeta1e-08_periodic_128_Train.hdf5",
    axes=2,
    viscosity=1e-8,
    samples=1,
    frames=21,
    refined_frames=5,
    limit="5 % until t = 0.5: shocks, and their pressure resets",
)
CASES = (
    Case(
        title="1D random fields, η = ζ = 0.1, 256 cells",
        path="1D/CFD/Train/1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5",
        axes=1,
        viscosity=0.1,
        samples=4,
        frames=101,
        refined_frames=26,
        limit="1 %: smooth, same order, same grid",
    ),
    RAND_2D,
    TURB_2D,
    Case(
        title="3D random fields, M 1, inviscid, 32³",
        path="3D/Train/3D_CFD_Rand_M1.0_Eta1e-08_Zeta1e-08_periodic_Train.hdf5",
        axes=3,
        viscosity=1e-8,
        samples=1,
        frames=11,
        refined_frames=3,
        limit="5 %: shocks within a box of 20 cells",
    ),
)


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Compare from first frames on, refine, and solve Sod's shock tube."""
    folder = shared / "data" / "pdebench"
    courses = {}
    for case in CASES:
        theirs = _theirs(folder, case, case.frames)
        ours = _ours(case, theirs)
        errors = relative(ours, theirs, axes=case.axes).mean(0)
        courses[case.title] = errors
        note = ", with the stresses they compute" if case.stress == "published" else ""
        yield Result(
            against=f"{case.title}{note}: first, middle and last frame",
            measured=_text(errors, (1, case.frames // 2, case.frames - 1)),
            limit=case.limit,
        )
        if case is TURB_2D:
            yield Picture(
                name="turbulence",
                caption="Density of turbulence at t = 1: PDEBench's file, ours, and the difference "
                "from the mean color.",
                figure=_compared(theirs[0, [20], 0], ours[0, [20], 0]),
            )
            yield _resets(theirs[0], ours[0])
        yield _refined(case, theirs[:1, : case.refined_frames], ours[:1, : case.refined_frames])
        if case.viscosity < 1e-3:
            frames = case.refined_frames
            smeared = relative(
                _ours(case, theirs[:, :frames], limiter="minmod"),
                theirs[:, :frames],
                axes=case.axes,
            ).mean(0)
            yield Result(
                against=f"{case.title}, limiter `minmod`: frame {frames - 1}",
                measured=_text(smeared, (frames - 1,)),
                limit="none: the files were made with the other limiter",
            )
    theirs = _theirs(folder, RAND_2D, 3)
    errors = relative(_ours(RAND_2D, theirs, stress="complete"), theirs, axes=2).mean(0)
    yield Result(
        against=f"{RAND_2D.title}, with all viscous stresses: frames 1 and 2",
        measured=_text(errors, (1, 2)),
        limit="none: the files leave stresses out",
    )
    yield Picture(
        name="differences",
        caption="Relative L2 difference from PDEBench's files, from their first frame on.",
        figure=_curves(courses),
    )
    yield from _sod()


def _theirs(folder: Path, case: Case, frames: int) -> np.ndarray:
    arrays = [stacked(folder / case.path, key) for key in KEYS[: 2 + case.axes]]
    return np.stack(arrays, 2)[: case.samples, :frames]


def _ours(
    case: Case,
    theirs: np.ndarray,
    *,
    factor: int = 1,
    limiter: str = "monotonized_central",
    stress: str = "",
) -> np.ndarray:
    """Solve from their first frame, on cells smaller by a factor; averages over theirs."""
    simulator = CompressibleFlowConfig.model_validate(
        {
            "dimension": case.axes,
            "grid": factor * theirs.shape[-1],
            "frames": theirs.shape[1],
            "interval": 0.01 if case.axes == 1 else 0.05,
            "eta": case.viscosity,
            "zeta": case.viscosity,
            "limiter": limiter,
            "stress": stress or case.stress,
        }
    ).build()
    starts = theirs[:, 0] if factor == 1 else refine(theirs[:, 0], factor, axes=case.axes)
    constants = {"eta": case.viscosity, "zeta": case.viscosity}
    samples = [
        Sample(state=conserved(torch.from_numpy(start)), parameters=constants) for start in starts
    ]
    precision: Precision = "float32"
    return coarsen(solve(simulator, samples, precision), factor, axes=case.axes)


def _refined(case: Case, theirs: np.ndarray, ours: np.ndarray) -> Result:
    fine = _ours(case, theirs, factor=2)
    last = (theirs.shape[1] - 1,)
    return Result(
        against=f"{case.title}: our cells halved, frame {last[0]} / ours against ours halved",
        measured=" / ".join(
            _text(relative(fine, other, axes=case.axes).mean(0), last) for other in (theirs, ours)
        ),
        limit="like ours against ours halved: the error of the grid",
    )


def _resets(theirs: np.ndarray, ours: np.ndarray) -> Result:
    """Where pressures differ in the second frame, and what resets do to the energy."""
    squares = np.sort(((ours - theirs)[2, 1] ** 2).ravel())[::-1]
    share = squares[:160].sum() / squares.sum()
    energies = [
        (x[:, 1] * 1.5 + x[:, 0] * (x[:, 2:] ** 2).sum(1) / 2).mean((-1, -2))
        for x in (theirs, ours)
    ]
    growth = [energy[-1] / energy[0] - 1 for energy in energies]
    return Result(
        against="The same: share of 1 % of the cells in the squared difference of pressure at "
        "t = 0.1; growth of energy until t = 1, theirs and ours; lowest pressures",
        measured=f"{100 * share:.0f} %; {growth[0]:.1e}, {growth[1]:.0e}; "
        f"{theirs[:, 1].min():.0e}, {ours[:, 1].min():.2g}",
        limit="energy stays: 0",
    )


def _text(errors: np.ndarray, frames: tuple[int, ...]) -> str:
    """Density, pressure and the largest of the velocities."""
    rows = [(*errors[frame, :2], errors[frame, 2:].max()) for frame in frames]
    return "; ".join(
        " ".join(
            f"{name} {100 * value:.2g} %" for name, value in zip(("ρ", "p", "v"), row, strict=True)
        )
        for row in rows
    )


def _compared(theirs: np.ndarray, ours: np.ndarray) -> "Figure":
    rows = [(a.T, b.T, (b - a).T + a.mean()) for a, b in zip(theirs, ours, strict=True)]
    return panels(rows, ("PDEBench", "ours", "difference + mean"))


def _curves(courses: dict[str, np.ndarray]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    for axis, (title, errors) in zip(figure.subplots(1, 4), courses.items(), strict=True):
        times = np.arange(len(errors)) * (0.01 if title.startswith("1D") else 0.05)
        for line, name in zip(errors.T, KEYS, strict=False):
            axis.semilogy(times[1:], line[1:], label=name)
        axis.set(title=title.partition(",")[0], xlabel="t", ylim=(5e-5, 0.2))
        axis.grid(alpha=0.3)
    figure.axes[-1].legend(fontsize=7)
    figure.axes[0].set(ylabel="relative L2")
    return figure


def _sod() -> Iterator[Result | Picture]:
    from matplotlib.figure import Figure

    errors = []
    for grid in (100, 200, 400):
        x = 2 * (np.arange(grid) + 0.5) / grid - 1
        exact = riemann(*SOD, x / 0.4)
        ours = _tube(grid, x)
        errors.append(np.abs(ours - exact).mean())
        if grid == 100:
            shown = (x, ours)
    yield Result(
        against="Sod's shock tube at t = 0.4 on 100, 200 and 400 cells: mean error of ρ, p, u",
        measured=", ".join(f"{error:.2e}" for error in errors),
        limit="halves at shocks, a little less at contacts",
    )
    figure = Figure(figsize=(7.2, 2.2), layout="constrained")
    fine = np.linspace(-1, 1, 2001)
    exact = riemann(*SOD, fine / 0.4)
    names = ("density", "pressure", "velocity")
    for axis, name, line, values in zip(figure.subplots(1, 3), names, exact, shown[1], strict=True):
        axis.plot(fine, line, "k-", lw=0.8)
        axis.plot(shown[0], values, ".", ms=3)
        axis.set(title=name, xlabel="x")
    yield Picture(
        name="sod",
        caption="Sod's shock tube at t = 0.4 on 100 cells (dots) and the exact solution.",
        figure=figure,
    )


def _tube(grid: int, x: np.ndarray) -> np.ndarray:
    simulator = CompressibleFlowConfig.model_validate(
        {
            "dimension": 1,
            "grid": grid,
            "frames": 2,
            "interval": 0.4,
            "start": "shock_tube",
            "eta": 0.0,
            "zeta": 0.0,
        }
    ).build()
    low, high = (np.array(gas)[:, None] for gas in SOD)
    start = conserved(torch.from_numpy(np.where(x < 0, low, high)))
    sample = Sample(state=start, parameters={"eta": 0.0, "zeta": 0.0})
    return solve(simulator, [sample])[0, -1]
