"""base + values · factor has the gradients of `torch.addcmul`, for fewer operations."""

import pytest
import torch
from torch import Tensor

from matey_core.nn.scaled import add_scaled
from tests.launches import Launches

SHAPES = [
    ((6, 1, 4), (6, 5, 4), (6, 1, 4)),
    ((6, 5, 4), (1, 1, 4), (6, 5, 4)),
    ((4,), (6, 5, 4), (1, 4)),
]


def operands(shapes: tuple[tuple[int, ...], ...]) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=draw).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("shapes", SHAPES)
def test_gradients_are_those_of_addcmul_bit_for_bit(shapes: tuple[tuple[int, ...], ...]) -> None:
    given = operands(shapes)
    expected = torch.addcmul(*given)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    found = add_scaled(*given)
    assert torch.equal(found, expected)
    for mine, same in zip(
        torch.autograd.grad(found, given, weight),
        torch.autograd.grad(expected, given, weight),
        strict=True,
    ):
        assert torch.equal(mine, same)


def test_what_needs_no_gradient_costs_nothing() -> None:
    base, values, factor = operands(SHAPES[0])
    found = add_scaled(base, values.detach(), factor.detach())
    with Launches() as launches:
        found.backward(torch.ones_like(found))
    assert values.grad is None
    assert base.grad is not None
    assert launches.count <= 3  # ones, and the sum over what was broadcast


def test_narrow_factors_get_narrow_gradients() -> None:
    """As inside autocast, where a condition is bfloat16 beside fields of float32."""
    base, values, factor = operands(SHAPES[0])
    narrow = factor.detach().bfloat16().requires_grad_()
    add_scaled(base, values, narrow).sum().backward()
    assert narrow.grad is not None
    assert narrow.grad.dtype == torch.bfloat16
    torch.testing.assert_close(
        narrow.grad.float(), values.sum(1, keepdim=True), rtol=1e-2, atol=1e-2
    )
