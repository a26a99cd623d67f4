"""Darcy flow: the page docs/simulators/darcy.md."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.sparse.linalg import eigsh

from bench.plain import darcy as plain
from bench.validation import Picture, Result
from bench.validation._compare import relative, solve, stacked
from bench.validation._static import table
from matey_core.simulators import Precision
from matey_core.simulators import _elliptic as elliptic
from matey_core.simulators._elliptic import Discretization
from matey_core.simulators._manufactured import cell_centers, random_function
from matey_core.simulators.darcy import DarcyConfig

FILE = "data/pdebench/2D/DarcyFlow/2D_DarcyFlow_beta1.0_Train.hdf5"
STORED_TIME = 1.75


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Compare with the published file, SciPy's direct solver and exact solutions."""
    coefficient = stacked(shared / FILE, "nu")
    theirs = stacked(shared / FILE, "tensor")[:, 0]
    steady = {name: _steady(coefficient, name) for name in ("finite_volume", "published")}
    yield _picture(coefficient, steady["finite_volume"], steady["published"], theirs)
    yield from _published(coefficient, steady, theirs)
    yield from _direct(coefficient[:2])
    yield _refined(coefficient[:3], steady)
    yield Result(
        against="a smooth coefficient and solution with their exact source, 32² to 256²",
        measured=f"orders {_list(_orders((32, 64, 128, 256)), '.2f')}",
        limit="second order",
    )


def _steady(coefficient: np.ndarray, discretization: Discretization) -> np.ndarray:
    values = torch.from_numpy(coefficient)
    bounds = (float(values.min()), float(values.max()))
    source = torch.ones_like(values)
    return elliptic.solve(values, source, bounds=bounds, discretization=discretization).numpy()


def _published(
    coefficient: np.ndarray, steady: dict[str, np.ndarray], theirs: np.ndarray
) -> Iterator[Result]:
    yield Result(
        against="PDEBench's file, its ten samples in order: relative L2 distance of its last "
        "frame from our solution for its coefficients",
        measured=f"{_percent(relative(steady['finite_volume'], theirs, axes=2))} %",
        limit="explained below",
    )
    yield Result(
        against="the same with `discretization=published`: its means at faces and walls",
        measured=f"{_percent(relative(steady['published'], theirs, axes=2))} %",
        limit="what its relaxation has still to go",
    )
    rest, decays = [], []
    for a, u, expected in zip(coefficient, steady["published"], theirs, strict=True):
        rates, modes = eigsh(plain.assemble(a, "published"), k=1, sigma=0)
        short, mode = (expected - u).ravel(), modes[:, 0]
        rest.append(np.linalg.norm(short - (short @ mode) * mode) / np.linalg.norm(expected))
        decays.append(math.exp(-STORED_TIME * rates[0]))
    yield Result(
        against="the same without the slowest mode of the relaxation, which by t = 1.75 has "
        f"fallen to {_list([min(decays), max(decays)], '.0e', ' … ')} of its start",
        measured=f"at most {max(rest):.1e}",
        limit="float32 rounding over some 10⁴ steps of theirs",
    )


def _direct(coefficient: np.ndarray) -> Iterator[Result]:
    direct = np.stack([plain.solve(a, np.ones_like(a)) for a in coefficient])
    ours = _steady(coefficient, "finite_volume")
    yield Result(
        against="SciPy's direct sparse solver, the same coefficients, float64",
        measured=f"{relative(ours, direct, axes=2).max():.1e}",
        limit="rounding",
    )
    balance = elliptic.apply(torch.from_numpy(ours), torch.from_numpy(coefficient)) - 1
    yield Result(
        against="the discrete equation: largest residual over β, float64",
        measured=f"{balance.abs().max().item():.1e}",
        limit="rounding of differences at h = 1/128",
    )
    drawn, exact = _drawn("float32"), _drawn("float64")
    yield Result(
        against="float32 against float64, 16 samples at 128²",
        measured=f"{relative(drawn, exact, axes=2).max():.1e}",
        limit="rounding",
    )


def _drawn(precision: Precision) -> np.ndarray:
    simulator = DarcyConfig().build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in range(16)]
    return solve(simulator, samples, precision)[:, -1, 1].astype(np.float64)


def _refined(coefficient: np.ndarray, steady: dict[str, np.ndarray]) -> Result:
    """Split each cell of the same coefficient into 4 × 4."""
    fine = _steady(coefficient.repeat(4, 1).repeat(4, 2), "finite_volume")
    size = coefficient.shape[-1]
    means = fine.reshape(len(fine), size, 4, size, 4).mean((2, 4))
    errors = {
        name: relative(values[: len(means)], means, axes=2) for name, values in steady.items()
    }
    return Result(
        against="our solution for the same coefficients on 512² (first three samples): error "
        "of the default at 128², and of `published`",
        measured=f"{_percent(errors['finite_volume'])} %, and {_percent(errors['published'])} %",
        limit="corners of the coefficient and the walls' place",
    )


def _orders(grids: tuple[int, ...]) -> list[float]:
    random = np.random.RandomState(2)
    a = random_function(random, lengths=(1.0, 1.0), mean=1.0, amplitude=0.6, wavenumber=2)
    u = random_function(random, lengths=(1.0, 1.0), boundary="dirichlet", wavenumber=3)
    errors = []
    for grid in grids:
        points = cell_centers((grid, grid), (1.0, 1.0))
        source = -a.value(points) * u.laplacian(points)
        for slope, other in zip(a.gradient(points), u.gradient(points), strict=True):
            source = source - slope * other
        ours = elliptic.solve(a.value(points)[None], source[None], bounds=(0.4, 1.6))[0]
        errors.append((ours - u.value(points)).norm().item() / grid)
    return [math.log2(first / second) for first, second in pairwise(errors)]


def _picture(
    coefficient: np.ndarray, ours: np.ndarray, published: np.ndarray, theirs: np.ndarray
) -> Picture:
    rows = [
        [
            field.T
            for field in (coefficient[s], ours[s], theirs[s] - ours[s], theirs[s] - published[s])
        ]
        for s in (1, 3)
    ]
    titles = ("a", "u, ours", "file − ours", "file − published")
    return Picture(
        name="published",
        caption="Two samples of PDEBench's file. Third column: its walls lie half a cell outside "
        "and its means at faces differ. Fourth: with its means, the slowest mode of its "
        "relaxation is left.",
        figure=table(rows, titles),
    )


def _percent(errors: np.ndarray) -> str:
    return _list(100 * errors, ".2f")


def _list(values: object, form: str, between: str = ", ") -> str:
    return between.join(format(value, form) for value in np.asarray(values))
