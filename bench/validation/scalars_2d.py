"""2D heat, advection and Burgers against Fourier series and an exact solution."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from bench.validation import Picture, Result
from bench.validation._compare import panels, relative, solve
from bench.validation._scalars import cole_hopf, spectral_burgers
from matey_core.simulators import PRECISIONS, SIMULATORS, Sample, Simulator

SEEDS = (0, 1, 2)


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Measure each equation in turn."""
    del shared
    for name in ("heat_2d", "advection_2d"):
        yield _linear(name)
    yield _series()
    yield _diagonal()
    yield _mean()
    yield _picture()


def _samples(simulator: Simulator) -> list[Sample]:
    return [simulator.sample(np.random.RandomState(seed)) for seed in SEEDS]


def _linear(name: str) -> Result:
    simulator = SIMULATORS[name](grid=64).build()
    samples = _samples(simulator)
    plain = importlib.import_module(f"bench.plain.{name}").trajectory
    exact = np.stack([plain(simulator, sample) for sample in samples])
    distances = {
        precision: relative(solve(simulator, samples, precision), exact, axes=2).max()
        for precision in PRECISIONS
    }
    return Result(
        against=f"`{name}`: NumPy's Fourier transforms of the start on 64², all frames, the "
        f"largest relative L2 distance of {len(SEEDS)} samples",
        measured=", ".join(f"{value:.1e} ({key})" for key, value in distances.items()),
        limit="rounding: 1e-5 (float32), 1e-12 (float64)",
    )


def _series() -> Result:
    """Burgers against Fourier series on 384², from the same starts."""
    grids, frames = (32, 64, 128), 5
    fine = SIMULATORS["burgers_2d"](grid=384, frames=frames, interval=0.25).build()
    exact = np.stack(
        [
            spectral_burgers(s.state[0].numpy(), fine.times, **dict(s.parameters), step=4e-3)
            for s in _samples(fine)
        ]
    )
    largest = []
    for grid in grids:
        simulator = SIMULATORS["burgers_2d"](grid=grid, frames=frames, interval=0.25).build()
        ours = solve(simulator, _samples(simulator))[:, :, 0]
        theirs = np.stack([[_resample(f, grid) for f in solution] for solution in exact])
        largest.append(relative(ours, theirs, axes=2)[:, 1:].max())
    orders = np.log2(np.array(largest[:-1]) / largest[1:])
    return Result(
        against="`burgers_2d`: Fourier series on 384² (two-thirds rule, fourth order in time), "
        f"t = 0.25 to 1, the largest relative L2 distance of {len(SEEDS)} samples with 32², 64², "
        "128² cells",
        measured=f"{', '.join(f'{value:.1e}' for value in largest)}; "
        f"orders {', '.join(f'{order:.1f}' for order in orders)}",
        limit="1 % with 128² cells; orders toward 2",
    )


def _resample(field: np.ndarray, grid: int) -> np.ndarray:
    """Values of a Fourier series at the centers of fewer cells."""
    shift = 1 / grid - 1 / len(field)
    kx = np.pi * np.fft.fftfreq(len(field), 1 / len(field))
    transform = np.fft.fft2(field) * np.exp(1j * shift * (kx[:, None] + kx))
    places = np.arange(grid) * len(field) // grid
    return np.fft.ifft2(transform).real[np.ix_(places, places)]


NU, C, TIME = 0.01, 0.8, 0.5
"""Constants of the diagonal wave, and when it is looked at."""


def _diagonal() -> Result:
    distances = diagonal_errors((32, 64, 128))
    orders = np.log2(np.array(distances[:-1]) / distances[1:])
    return Result(
        against="`burgers_2d`: Cole and Hopf's solution for sin π(x + y)/2, which steepens at "
        f"t = 0.4, at t = {TIME} with 32², 64², 128² cells",
        measured=f"{', '.join(f'{value:.1e}' for value in distances)}; "
        f"orders {', '.join(f'{order:.1f}' for order in orders)}",
        limit="1 % with 128² cells; orders toward 2",
    )


def diagonal_errors(grids: tuple[int, ...]) -> list[float]:
    """Distances from the exact solution where u depends on x + y only.

    With s = (x + y)/2, which has the period 1, v = c u solves v_t + v v_s = (ν/2) v_ss.
    """
    points = np.linspace(-1, 2, 6001)
    integral = -C * np.cos(2 * np.pi * points) / (4 * np.pi)
    distances = []
    for grid in grids:
        simulator = SIMULATORS["burgers_2d"](
            grid=grid, frames=2, interval=TIME, nu=NU, cx=C, cy=C
        ).build()
        places = (np.add.outer(np.arange(grid), np.arange(grid)) + 1) % grid
        start = np.sin(2 * np.pi * np.arange(grid) / grid)[places] / 2
        edges = (np.arange(grid + 1) - 0.5) / grid
        exact = cole_hopf(integral, points[1] - points[0], edges, TIME, NU / 2)[places] / C
        sample = Sample(
            state=torch.from_numpy(start)[None], parameters={"nu": NU, "cx": C, "cy": C}
        )
        distances.append(float(relative(solve(simulator, [sample])[0, 1, 0], exact, axes=2)))
    return distances


def _mean() -> Result:
    simulator = SIMULATORS["burgers_2d"](grid=64).build()
    samples = _samples(simulator)
    drifts = {
        precision: np.abs(solve(simulator, samples, precision).mean((-1, -2))).max()
        for precision in PRECISIONS
    }
    return Result(
        against="`burgers_2d`: the mean, which is 0 at the start, in all frames",
        measured=", ".join(f"{value:.1e} ({key})" for key, value in drifts.items()),
        limit="rounding: 1e-6 (float32), 1e-14 (float64)",
    )


def _picture() -> Picture:
    rows = []
    for name in ("heat_2d", "advection_2d", "burgers_2d"):
        simulator = SIMULATORS[name](grid=64).build()
        frames = solve(simulator, [simulator.sample(np.random.RandomState(3))], "float32")[0, :, 0]
        rows.append([frames[index].T for index in (0, 15, 50, 100)])
    figure = panels(rows, ["t = 0", "t = 0.3", "t = 1", "t = 2"], interpolation="nearest")
    figure.set_size_inches(6.4, 5.6)
    return Picture(
        name="frames",
        caption="The same start by the heat equation (above), advection and Burgers (below)",
        figure=figure,
    )
