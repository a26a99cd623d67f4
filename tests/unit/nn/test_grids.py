"""Grids continued, halved and doubled: values, gradients, and one map instead of two."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from matey_core.nn.folded import FoldedHead, FoldedStem
from matey_core.nn.padding import surround
from matey_core.nn.resolution import CONVOLUTIONS, Doubling
from matey_core.nn.spectral import Waves
from tests.formula import spec_of

SHAPES = ((5,), (4, 6), (3, 5, 4))


def continued(x: Tensor, reach: int, periodic: tuple[bool, ...]) -> Tensor:
    """The same by taking every point from where it stands."""
    for axis, wraps in enumerate(periodic, start=2):
        index = torch.arange(-reach, x.shape[axis] + reach)
        size = x.shape[axis]
        x = x.index_select(axis, index % size if wraps else index.clamp(0, size - 1))
    return x


@pytest.mark.parametrize("reach", [1, 2, 7])
@pytest.mark.parametrize(
    ("shape", "periodic"),
    [(shape, walls) for shape in SHAPES for walls in product((True, False), repeat=len(shape))],
)
def test_ends_repeat_points_and_so_do_their_gradients(
    shape: tuple[int, ...], periodic: tuple[bool, ...], reach: int
) -> None:
    x = torch.randn(2, 3, *shape, dtype=torch.float64, requires_grad=True)
    answer, expected = surround(x, reach, periodic=periodic), continued(x, reach, periodic)
    assert torch.equal(answer, expected)
    weights = torch.randn_like(expected)
    [found], [right] = (torch.autograd.grad(each, x, weights) for each in (answer, expected))
    torch.testing.assert_close(found, right, rtol=0, atol=1e-13)


def test_a_gradient_that_others_need_stays_as_it_was() -> None:
    x = torch.randn(1, 2, 4, 4, requires_grad=True)
    answer = surround(x, 1, periodic=(True, True))
    gradient = torch.ones_like(answer)
    answer.backward(gradient)
    assert torch.equal(gradient, torch.ones_like(gradient))


@pytest.mark.parametrize("groups", [1, 4])
def test_a_line_is_convolved_as_by_torch(groups: int) -> None:
    x, bias = torch.randn(2, 4, 12), torch.randn(8)
    kernel = torch.randn(8, 4 // groups, 3)
    answer = CONVOLUTIONS[1](x, kernel, bias, groups=groups)
    expected = nn.functional.conv1d(x, kernel, bias, groups=groups)
    torch.testing.assert_close(answer, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("boundary", ["periodic", "no_slip"])
@pytest.mark.parametrize("shape", [(12,), (8, 9), (6, 4, 5)])
def test_waves_are_restored_beyond_the_ends_as_the_grid_goes_on(
    shape: tuple[int, ...], boundary: str
) -> None:
    grid = spec_of(shape, boundary=boundary).grid
    device = torch.device("cpu")
    parts = Waves.of(grid, 3, device).measure(torch.randn(2, *shape, 4))
    inside = Waves.of(grid, 3, device).restore(parts).movedim(-1, 1)
    beyond = Waves.of(grid, 3, device, beyond=2).restore(parts).movedim(-1, 1)
    expected = continued(inside, 2, grid.periodic)
    torch.testing.assert_close(beyond, expected, rtol=0, atol=1e-6)
    assert Waves.of(grid, 3, device) is Waves.of(grid, 3, device)  # made once


@pytest.mark.parametrize("shape", [(7,), (6, 5), (4, 3, 5)])
def test_doubling_is_two_maps_one_after_the_other(shape: tuple[int, ...]) -> None:
    axes = len(shape)
    doubling = Doubling(3)
    doubling.add_axes(axes)
    half = tuple((points + 1) // 2 for points in shape)
    x, beside = torch.randn(2, *half, 6), torch.randn(2, *shape, 3)
    corners = doubling.maps[str(axes)](doubling.norm(x))
    fine = torch.zeros(2, *(2 * points for points in half), 3)
    for number, corner in enumerate(product((0, 1), repeat=axes)):
        where = (slice(None), *(slice(start, None, 2) for start in corner))
        fine[where] = corners[..., 3 * number : 3 * number + 3]
    fine = fine[(slice(None), *(slice(points) for points in shape))]
    expected = doubling.join(torch.cat([beside, fine], dim=-1))
    torch.testing.assert_close(doubling(x, beside), expected, rtol=1e-5, atol=1e-6)


def test_a_stem_maps_frames_from_the_last_to_the_first() -> None:
    stem, grid = FoldedStem(6, 4), spec_of((5, 7)).grid
    channels, table = torch.randn(2, 3, 2, 5, 7), torch.randn(8, 6)
    mixed = stem.places(grid)
    for age in range(3):
        for shown in range(2):
            values = channels[:, 2 - age, shown].unsqueeze(-1)
            mixed = mixed + values * table[2 * age + shown] / 6**0.5
    torch.testing.assert_close(stem(channels, table, grid), stem.out(mixed), rtol=1e-5, atol=1e-5)


def test_both_ends_of_a_folded_model_are_float32_inside_autocast() -> None:
    stem, head = FoldedStem(6, 4), FoldedHead(4, 6)
    channels, table, leave = torch.randn(1, 2, 2, 8, 8), torch.randn(4, 6), torch.randn(3, 6)
    grid = spec_of((8, 8)).grid
    expected = stem(channels, table, grid)
    read = head(expected, leave, torch.zeros(3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(stem(channels, table, grid), expected)
        assert torch.equal(head(expected, leave, torch.zeros(3)), read)
