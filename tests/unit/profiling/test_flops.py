"""Counted operations against formulas."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from matey_core.profiling import count_flops


def test_a_linear_layer() -> None:
    layer = nn.Linear(24, 40)
    x = torch.randn(7, 24, requires_grad=True)
    flops = count_flops(lambda: layer(x).sum())
    assert flops.forward == 2 * 7 * 24 * 40
    assert flops.backward == 2 * flops.forward
    assert flops.total == 3 * flops.forward


def test_a_convolution() -> None:
    layer = nn.Conv2d(3, 8, 4, stride=4)
    flops = count_flops(lambda: layer(torch.randn(2, 3, 16, 32)).sum())
    assert flops.forward == 2 * (2 * 4 * 8) * 8 * (3 * 4 * 4)


@pytest.mark.parametrize("size", [16, 128])
def test_fused_attention_is_counted_on_a_cpu(size: int) -> None:
    q, k, v = torch.randn(3, 2, 3, size, 8).requires_grad_().unbind(0)
    flops = count_flops(lambda: scaled_dot_product_attention(q, k, v).sum())
    product = 2 * 2 * 3 * size * size * 8
    assert flops.forward == 2 * product
    # The fused backward pass computes the scores once more.
    assert flops.backward in (4 * product, 5 * product)
