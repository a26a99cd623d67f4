"""Every kernel equals the written-out reference, forward and backward."""

import pytest
import torch

from matey_core.kernels import KERNELS
from matey_core.tokens import Segments

LENGTHS = ((7,), (4, 4, 4), (1, 9, 3, 9, 1), (2, 0, 5))


def inputs(rows: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(rows)
    return tuple(
        torch.randn(rows, 2, 8, generator=generator, dtype=torch.float64).requires_grad_()
        for _ in range(3)
    )


def written_out(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, lengths: tuple[int, ...]
) -> torch.Tensor:
    """One sequence, one head and one query at a time."""
    rows, start = [], 0
    for length in lengths:
        for row in range(start, start + length):
            heads = []
            for head in range(q.shape[1]):
                scores = (k[start : start + length, head] @ q[row, head]) / q.shape[2] ** 0.5
                weights = scores.exp() / scores.exp().sum()
                heads.append(weights @ v[start : start + length, head])
            rows.append(torch.stack(heads))
        start += length
    return torch.stack(rows)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("name", KERNELS.names())
def test_a_kernel_is_softmax_attention_inside_each_sequence(
    name: str, lengths: tuple[int, ...]
) -> None:
    ours, theirs = inputs(sum(lengths)), inputs(sum(lengths))
    actual = KERNELS[name](*ours, Segments(lengths))
    expected = written_out(*theirs, lengths)
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-12)
    weight = torch.arange(actual.numel(), dtype=torch.float64).reshape(actual.shape).sin()
    (actual * weight).sum().backward()
    (expected * weight).sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", KERNELS.names())
def test_nothing_at_all_gives_nothing(name: str) -> None:
    empty = torch.zeros(0, 2, 8)
    assert KERNELS[name](empty, empty, empty, Segments(())).shape == (0, 2, 8)
