"""The staggered grid between walls: exact transforms, exact projection, what is kept."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from matey_core.simulators._sines import Line, SineTransform
from matey_core.simulators._staggered import Box, Faces
from matey_core.simulators._tracer import carry

LINES: list[Line] = ["cells", "nodes", "interior", "periodic"]


def box(columns: int = 12, rows: int = 9, *, periodic: bool = False) -> Box:
    return Box((columns, rows), 1 / rows, periodic=periodic)


def random_field(place: Box, dtype: torch.dtype = torch.float64) -> Faces:
    """Noise on faces, 0 on walls."""
    columns, rows = place.shape
    noise = np.random.RandomState(3).standard_normal((2, 2, columns + 1, rows + 1))
    u, v = place.split(torch.from_numpy(noise).to(dtype))
    v[:, :, 0] = v[:, :, -1] = 0
    u[:, -1] = u[:, 0]
    if not place.periodic:
        u[:, 0] = u[:, -1] = 0
    return u, v


def inner(place: Box, a: Faces, b: Faces) -> float:
    """Sum of the products of two fields on the faces that move, over the first sample."""
    return sum((x[0] * y[0]).sum().item() for x, y in zip(place.moving(a), b, strict=True))


def second_difference(values: np.ndarray, line: Line) -> np.ndarray:
    """−h²∂² along the first axis, with the ends that the line has."""
    if line == "periodic":
        return 2 * values - np.roll(values, 1, 0) - np.roll(values, -1, 0)
    ends = {
        "cells": (values[:1], values[-1:]),
        "nodes": (values[1:2], values[-2:-1]),
        "interior": (0 * values[:1], 0 * values[:1]),
    }[line]
    return -np.diff(np.concatenate([ends[0], values, ends[1]]), n=2, axis=0)


@pytest.mark.parametrize("along_y", LINES)
@pytest.mark.parametrize("along_x", LINES)
def test_the_laplacian_is_one_number_a_mode(along_x: Line, along_y: Line) -> None:
    transform = SineTransform((along_x, along_y), (7, 10))
    values = torch.randn(2, *transform.shape, generator=torch.Generator().manual_seed(0)).double()
    modes = transform.forward(values)
    assert (transform.inverse(modes) - values).abs().max().item() < 1e-13
    ours = transform.inverse(modes * transform.eigenvalues(modes))[0].numpy()
    first = values[0].numpy()
    plain = second_difference(first, along_x) + second_difference(first.T, along_y).T
    np.testing.assert_allclose(ours, plain, atol=1e-12)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 2e-14), (torch.float32, 1e-5)])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(12, 9), (16, 16), (5, 7)])
def test_nothing_is_left_of_the_divergence(
    shape: tuple[int, int], periodic: bool, dtype: torch.dtype, bound: float
) -> None:
    place = box(*shape, periodic=periodic)
    field = random_field(place, dtype)
    before = tuple(part.clone() for part in field)
    place.project_(field)
    assert place.divergence(field).abs().max().item() < bound
    assert not field[1][:, :, 0].any()
    again = tuple(part.clone() for part in field)
    place.project_(again)
    assert max((a - b).abs().max().item() for a, b in zip(again, field, strict=True)) < bound
    # What was taken away does no work on what was kept.
    taken = tuple(a - b for a, b in zip(before, field, strict=True))
    kept = place.moving((taken[0], taken[1]))
    assert abs(inner(place, field, kept)) < 100 * bound


@pytest.mark.parametrize("periodic", [False, True])
def test_flow_carries_energy_and_makes_none(periodic: bool) -> None:
    place = box(periodic=periodic)
    field = random_field(place)
    place.project_(field)
    padded = place.pad(field)
    rates = place.acceleration(padded, place.corners(padded), 0.0)
    sizes = sum(abs(part).sum().item() for part in rates)
    assert sizes > 1
    assert abs(inner(place, field, rates)) < 1e-13 * sizes


def test_a_force_between_field_and_current_takes_what_it_gives() -> None:
    """What v · (J × B) sums to over the box is −J · (v × B)."""
    place = box()
    field = random_field(place)
    flow = place.corners(place.pad(field))
    magnetic = place.corners(place.pad((field[1].mT[:, :13, :9].new_ones(2, 13, 9), field[1])))
    current = torch.randn(2, 13, 10, generator=torch.Generator().manual_seed(1)).double()
    rates = tuple(torch.zeros_like(part) for part in place.moving(field))
    place.add_cross_((rates[0], rates[1]), current, magnetic)
    electromotive = flow.x * magnetic.y - flow.y * magnetic.x
    work = inner(place, field, (rates[0], rates[1]))
    assert work == pytest.approx(-(current * electromotive)[0].sum().item(), rel=1e-12)


def test_friction_meets_the_laplacian_with_order_two() -> None:
    """For the stream function sin²(πx) sin²(πy), whose flow does not slip."""

    def error(count: int) -> float:
        place = Box((count, count), 1 / count)
        x = np.arange(count + 1) / count
        wave = np.sin(np.pi * x) ** 2
        psi = torch.from_numpy(np.outer(wave, wave))[None]
        u, v = psi.diff(dim=2) * count, -psi.diff(dim=1) * count
        padded = place.pad((u, v))
        moving = place.corners(padded)
        friction = place.acceleration(padded, moving, 1.0)[0]
        carried = place.acceleration(padded, moving, 0.0)[0]
        ours = (friction - carried)[0] * count / 4
        y = (np.arange(count) + 0.5) / count
        here, bend = np.sin(2 * np.pi * y) * np.pi, 2 * np.pi**2 * np.cos(2 * np.pi * x[1:-1])
        exact = np.outer(bend, here) - np.outer(wave[1:-1], 4 * np.pi**2 * here)
        return float(np.sqrt(((ours.numpy() - exact) ** 2).mean()))

    assert slope_of([error(count) for count in (32, 64, 128)]) == pytest.approx([2, 2], abs=0.1)


def test_a_scalar_keeps_its_sum_and_its_bounds() -> None:
    place = box(20, 20)
    field = random_field(place)
    place.project_(field)
    field = (field[0] * 0.3, field[1] * 0.3)
    scalar = torch.rand(2, 20, 20, generator=torch.Generator().manual_seed(2)).double()
    flat = carry(torch.ones_like(scalar), field, place.spacing)
    assert flat.abs().max().item() < 1e-12
    dt = 0.2 * place.spacing / max(part.abs().max().item() for part in field)
    after = scalar
    for _ in range(60):
        after = after + dt * carry(after, field, place.spacing)
    assert after.sum().item() == pytest.approx(scalar.sum().item(), rel=1e-14)
    assert after.min().item() >= scalar.min().item() - 1e-13
    assert after.max().item() <= scalar.max().item() + 1e-13
    assert (after - scalar).abs().max().item() > 0.1


def test_a_smooth_scalar_is_carried_with_order_two() -> None:
    """Flux between cells, away from extremes of the scalar."""

    def error(count: int) -> float:
        x = (torch.arange(count, dtype=torch.float64) + 0.5) / count
        speed = torch.full((1, count + 1, count), 0.7, dtype=torch.float64)
        speed[:, 0] = speed[:, -1] = 0
        scalar = torch.sin(1.2 * x)[None, :, None].expand(1, count, count)
        rate = carry(scalar, (speed, torch.zeros_like(speed).mT), 1 / count)
        inside = slice(count // 8, -count // 8)
        exact = -0.7 * 1.2 * torch.cos(1.2 * x[inside])
        return (rate[0, inside, 3] - exact).abs().mean().item()

    orders = slope_of([error(count) for count in (32, 64, 128)])
    assert min(orders) > 1.9


def slope_of(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in pairwise(errors)]
