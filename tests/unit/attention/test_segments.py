"""Sequences on a packed axis: equal ones cost two numbers; blocks of rows that meet."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matey_core.kernels.flex import BLOCK, _mask
from matey_core.tokens import Segments

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(0, 300), max_size=6).map(tuple)


def test_a_thousand_million_equal_sequences_cost_as_much_as_one() -> None:
    many = Segments.same(10**9, 4)
    assert (many.count, many.equal, many.total) == (10**9, 4, 4 * 10**9)
    assert many.stretched(3) == Segments.same(10**9, 12)
    assert many.repeated(2) == Segments.same(2 * 10**9, 4)
    assert hash(many) == hash(Segments.same(10**9, 4))


@given(lengths=LENGTHS, times=st.integers(1, 3))
def test_both_ways_to_describe_sequences_agree(lengths: tuple[int, ...], times: int) -> None:
    segments = Segments(lengths)
    assert segments.lengths == lengths
    assert segments.count == len(lengths)
    assert segments.total == sum(lengths)
    assert (segments.equal is not None) == (len(set(lengths)) == 1)
    if segments.equal is not None:
        same = Segments.same(len(lengths), lengths[0])
        assert segments == same
        assert hash(segments) == hash(same)
    assert segments.repeated(times).lengths == lengths * times
    assert segments.stretched(times).lengths == tuple(times * length for length in lengths)
    assert segments.sizes(CPU).tolist() == list(lengths)
    expected = [number for number, length in enumerate(lengths) for _ in range(length)]
    assert segments.index(CPU).tolist() == expected


def test_none_and_empty_sequences() -> None:
    assert Segments(()) == Segments.same(0, 5)
    assert Segments(()).total == 0
    assert Segments((0, 0)).equal == 0


@pytest.mark.parametrize(
    "lengths",
    [(128, 256), (100, 300, 200), (3, 130, 3, 130, 0, 3), (1,), (500,), (20,) * 30],
)
def test_blocks_of_rows_leave_out_nothing_but_pairs_of_different_sequences(
    lengths: tuple[int, ...],
) -> None:
    segments = Segments(lengths)
    mask = _mask(segments, CPU)
    rows = torch.arange(segments.total)
    meets = torch.zeros(segments.total, segments.total, dtype=torch.bool)
    for q, k in listed(mask.kv_num_blocks, mask.kv_indices, rows):
        meets[q, k] = mask.mask_mod(rows[0], rows[0], q, k)
    for q, k in listed(mask.full_kv_num_blocks, mask.full_kv_indices, rows):
        assert not meets[q, k].any()
        meets[q, k] = True
    index = segments.index(CPU)
    assert torch.equal(meets, index[:, None] == index)


def test_blocks_inside_one_sequence_are_computed_whole() -> None:
    mask = _mask(Segments((128, 256)), CPU)
    assert mask.kv_num_blocks.tolist() == [[[0, 0, 0]]]
    assert mask.full_kv_num_blocks.tolist() == [[[1, 2, 2]]]


def listed(
    count: torch.Tensor, blocks: torch.Tensor, rows: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Rows, as a column, and columns of every block that is listed."""
    for q, (number, found) in enumerate(zip(count[0, 0], blocks[0, 0], strict=True)):
        for k in found[:number].tolist():
            queries, keys = (rows[block * BLOCK : (block + 1) * BLOCK] for block in (q, k))
            yield queries[:, None], keys
