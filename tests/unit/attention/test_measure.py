"""With `measure`, attention is a quadrature: cells may be split without any effect."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matey_core.attention import Block
from matey_core.nn.measure import Heads, log_measure, weighed
from matey_core.tokens import TokenBatch
from tests.unit.attention.tokens import owners, some_block, some_tokens, split

Lengths = tuple[int, ...]
SPLITS = st.lists(st.integers(1, 6), min_size=1, max_size=3).flatmap(
    lambda lengths: st.tuples(
        st.just(tuple(lengths)),
        st.lists(st.integers(1, 4), min_size=sum(lengths), max_size=sum(lengths)).map(tuple),
    )
)
"""Lengths of some samples, and how many pieces each of their cells is split into."""

with_several_sizes = pytest.mark.parametrize("scheme", ["full", "factorized"])
each_kernel = pytest.mark.parametrize("kernel", ["auto", "math", "sdpa"])


def attended(block: Block, tokens: TokenBatch) -> torch.Tensor:
    """The attention stages of a block one after another, in float64."""
    x = tokens.values
    weight = log_measure(tokens.places).unsqueeze(1).expand(x.shape[:2])
    for stage, routes in zip(block.double().stages, block.routes(tokens), strict=True):
        x = stage(x, routes, weight)
    return x


@pytest.mark.parametrize("kernel", ["math", "sdpa"])
@with_several_sizes
@given(drawn=SPLITS)
def test_splitting_cells_into_copies_changes_no_attention(
    scheme: str, kernel: str, drawn: tuple[Lengths, Lengths]
) -> None:
    lengths, pieces = drawn
    tokens, block = some_tokens(lengths), some_block(scheme, kernel=kernel)
    whole, in_pieces = attended(block, tokens), attended(block, split(tokens, pieces))
    torch.testing.assert_close(in_pieces, whole[owners(pieces)], rtol=1e-11, atol=1e-12)


@with_several_sizes
@given(drawn=SPLITS)
def test_splitting_cells_into_copies_changes_no_block_in_float32(
    scheme: str, drawn: tuple[Lengths, Lengths]
) -> None:
    lengths, pieces = drawn
    tokens, block = some_tokens(lengths), some_block(scheme, measure=True)
    whole, in_pieces = (
        block(each.with_values(each.values.float()), None).values
        for each in (tokens, split(tokens, pieces))
    )
    torch.testing.assert_close(in_pieces, whole[owners(pieces)], rtol=1e-5, atol=1e-5)


@with_several_sizes
def test_without_measure_it_does(scheme: str) -> None:
    tokens, block, pieces = some_tokens((3,)), some_block(scheme), (1, 4, 1)
    whole, in_pieces = (
        block(each.with_values(each.values.float()), None).values
        for each in (tokens, split(tokens, pieces))
    )
    assert (in_pieces - whole[owners(pieces)]).abs().max() > 1e-2


@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_on_a_regular_grid_the_measure_changes_nothing_at_all(scheme: str) -> None:
    tokens = some_tokens((6, 6), grid=(2, 3))
    tokens = tokens.with_values(tokens.values.float())
    plain, weighted = (some_block(scheme, measure=measure) for measure in (False, True))
    assert torch.equal(plain(tokens, None).values, weighted(tokens, None).values)


@each_kernel
def test_the_measure_is_added_to_the_scores(kernel: str) -> None:
    tokens = some_tokens((4, 7))
    block = some_block("full", kernel=kernel)
    heads = Heads(*torch.randn(3, 11, 2, 16, dtype=torch.float64).unbind(0))
    area = tokens.places.size.prod(1)
    wide = weighed(heads, area.log())
    assert wide.q.shape[-1] % 8 == 0
    mixed = block.stages[0].kernel(*wide, tokens.segments)[..., :16]
    for span in (slice(0, 4), slice(4, 11)):
        q, k, v = (part[span].transpose(0, 1) for part in heads)
        weight = area[span] * (q @ k.transpose(1, 2) / 4).exp()
        expected = (weight / weight.sum(-1, keepdim=True)) @ v
        torch.testing.assert_close(mixed[span].transpose(0, 1), expected, rtol=1e-12, atol=1e-13)


def test_two_channels_hold_the_measure_in_half_precision() -> None:
    area = 0.5 ** torch.linspace(0, 18, 200, dtype=torch.float64)
    nothing = torch.zeros(200, 1, 64, dtype=torch.float64)
    wide = weighed(Heads(nothing, nothing, nothing.bfloat16()), area.log())
    assert wide.q.dtype == wide.k.dtype == torch.bfloat16
    q, k = wide.q.double(), wide.k.double()
    scores = torch.einsum("qhe,khe->qk", q, k) / q.shape[-1] ** 0.5
    assert (scores - area.log()).abs().max() < 1e-4
    assert (area.log().bfloat16().double() - area.log()).abs().max() > 1e-2


def test_the_unit_of_area_does_not_matter() -> None:
    tokens, block = some_tokens((4, 7)), some_block("full")
    places = replace(tokens.places, size=1000 * tokens.places.size)
    torch.testing.assert_close(
        attended(block, tokens), attended(block, replace(tokens, places=places))
    )
