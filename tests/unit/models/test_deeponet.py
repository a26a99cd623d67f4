"""Deep operator network: sensors on any grid, a sum of products, the same answer at a place."""

import math

import pytest
import torch
from torch import Tensor

from matey_core.fields import Boundary
from matey_core.models.deeponet import (
    READ,
    DeepOnetConfig,
    DeepOnetModel,
    SumOfProducts,
    at_sensors,
)
from tests.formula import batch_of, spec_of


def tiny(*, axes: int = 2, sensors: int = 4) -> DeepOnetModel:
    torch.manual_seed(0)
    config = DeepOnetConfig(width=12, depth=2, sensors=sensors)
    return config.build(fields=("density", "velocity_x"), num_axes=(axes,)).eval()


def smooth(points: int) -> Tensor:
    """(1, n, n, READ) waves in the middle of cells."""
    place = 2 * math.pi * (torch.arange(points) + 0.5) / points
    channel = torch.arange(READ)
    return (place.sin()[:, None, None] * (place[:, None] + channel).cos()).unsqueeze(0)


def test_sensors_that_meet_points_read_them() -> None:
    x = torch.randn(2, 24, 12, 3)
    between = (x[:, 2::6, 1::3] + x[:, 3::6, 1::3]) / 2
    torch.testing.assert_close(at_sensors(x, spec_of((24, 12)).grid, 4), between)
    one = at_sensors(x[:, :, 1:2], spec_of((24, 1)).grid, 8)
    assert torch.equal(one, x[:, 1::3, 1:2].expand(-1, -1, 8, -1))


@pytest.mark.parametrize("boundary", ["periodic", "no_slip"])
def test_more_sensors_than_points_read_between_them_as_the_boundary_says(
    boundary: Boundary,
) -> None:
    x = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 4, 1)
    read = at_sensors(x, spec_of((4,), boundary=boundary).grid, 8).flatten().tolist()
    ends = (2.75, 6.25) if boundary == "periodic" else (1.0, 8.0)
    assert read == [ends[0], 1.25, 1.75, 2.5, 3.5, 5.0, 7.0, ends[1]]


def test_the_answer_is_a_weighted_sum_of_products() -> None:
    products, leave, bias = torch.randn(2, 5, 7), torch.randn(3, 7), torch.randn(3)
    expected = torch.einsum("b n p, k p -> b k n", products, leave) + bias[:, None]
    torch.testing.assert_close(SumOfProducts()(products, leave, bias), expected)


def test_the_history_and_the_place_meet_in_a_product_alone() -> None:
    """The products of two histories are proportional, with one factor for all places."""
    model, grid = tiny(), spec_of((8, 12)).grid
    x = torch.randn(2, 8, 12, READ)
    with torch.no_grad():
        one, other = model.process(x, torch.zeros(2, 12), grid)
    torch.testing.assert_close(one * other[0, 0], other * one[0, 0], rtol=1e-4, atol=1e-6)
    assert (one[0, 0] / other[0, 0] - 1).abs().mean() > 0.1


def test_another_grid_has_the_same_answers_at_the_same_places() -> None:
    model = tiny()
    with torch.no_grad():
        coarse, fine = (
            model.process(smooth(n), torch.zeros(1, 12), spec_of((n, n)).grid) for n in (12, 36)
        )
    torch.testing.assert_close(fine[:, 1::3, 1::3], coarse, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 5), (7, 1), (3, 2, 5)])
@pytest.mark.parametrize("boundary", ["periodic", "outflow"])
def test_the_smallest_grids_have_an_answer(shape: tuple[int, ...], boundary: Boundary) -> None:
    with torch.no_grad():
        answer = tiny(axes=len(shape))(batch_of(spec_of(shape, boundary=boundary))).values
    assert answer.shape == (3, 1, 2, *shape)
    assert answer.isfinite().all()


def test_numbers_of_parameters_are_those_of_the_sizes() -> None:
    with torch.device("meta"):
        model = DeepOnetConfig(preset="ti").build(fields=("a", "b", "c", "d"), num_axes=(2,))
    parts = {
        name: sum(weight.numel() for weight in part.parameters())
        for name, part in model.named_children()
    }
    assert parts["enter"] == (16**2 * READ + 1) * 256
    assert parts["branch"] == 3 * (256 + 1) * 256
    assert parts["trunk"] == 4 * (256 + 1) * 256
    assert sum(parts.values()) == 1_120_272


def test_a_mixture_shares_all_but_the_first_layer_of_the_branch() -> None:
    model = tiny()
    before = {name for name, _ in model.named_parameters()}
    model.extend(fields=(), num_axes=(1, 3))
    new = {name for name, _ in model.named_parameters()} - before
    assert new == {f"enter.{axes}.{kind}" for axes in (1, 3) for kind in ("weight", "bias")}
