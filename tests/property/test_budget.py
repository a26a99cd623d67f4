"""Nothing exceeds its budget, whatever the grid, the levels and the fields."""

import math
from itertools import count, pairwise

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from matey_core.budgets._quota import Quota, quota_of_tokens
from matey_core.errors import ConfigError
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig, grow, num_tokens

LADDERS = ((16, 8, 4), (8, 4), (12, 4), (8, 4, 2), (9, 3))


@st.composite
def grids(draw: st.DrawFn, side: int) -> tuple[int, ...]:
    axes = draw(st.integers(1, 3))
    most = {1: 90, 2: 45, 3: 20}[axes]
    return tuple(draw(st.integers(side, max(side, most))) for _ in range(axes))


def is_reachable(tokens: int, cells: int, pieces: tuple[int, ...], parents: int = 0) -> bool:
    """Whether some tree has so many tokens, by trying all: every parent may stay or not."""
    if tokens < cells or not pieces:
        return cells <= tokens <= cells + parents
    number, *finer = pieces
    most = min(cells, (tokens - cells) // (number - 1))
    return any(
        is_reachable(tokens - (cells - split), split * number, tuple(finer), parents + split)
        for split in range(most + 1)
    )


@given(
    tokens=st.integers(1, 120),
    roots=st.integers(1, 12),
    pieces=st.lists(st.sampled_from((2, 3, 4, 8, 9, 16)), min_size=1, max_size=3).map(tuple),
    keep=st.booleans(),
)
@example(tokens=150, roots=9, pieces=(4, 4), keep=True)
@example(tokens=40, roots=9, pieces=(4,), keep=True)
@example(tokens=150, roots=16, pieces=(9,), keep=True)
@example(tokens=17, roots=4, pieces=(4,), keep=True)
@example(tokens=40, roots=4, pieces=(16,), keep=False)
@example(tokens=29, roots=4, pieces=(16,), keep=False)
@example(tokens=13, roots=3, pieces=(4, 64), keep=False)
def test_a_number_of_tokens_is_met_exactly_or_its_nearest_neighbors_are_named(
    tokens: int, roots: int, pieces: tuple[int, ...], keep: bool
) -> None:
    most = roots * math.prod(pieces)
    parents = sum(roots * math.prod(pieces[:level]) for level in range(len(pieces)))
    expected = min(tokens, most + parents if keep else most)

    def plan(number: int) -> Quota:
        return quota_of_tokens(number, roots=roots, pieces=pieces, keep_parents=keep, is_exact=True)

    if tokens < roots:
        with pytest.raises(ConfigError, match=rf"fewer than the {roots} coarsest"):
            plan(tokens)
    elif is_reachable(expected, roots, pieces):
        quota, cells, met = plan(tokens), roots, 0
        for split, kept, number in zip(quota.splits, quota.kept, pieces, strict=True):
            assert 0 <= kept <= split <= cells
            met += cells - split + kept
            cells = split * number
        assert met + cells == expected
    else:
        low = next(n for n in range(tokens, 0, -1) if is_reachable(n, roots, pieces))
        high = next(n for n in count(tokens) if is_reachable(n, roots, pieces))
        with pytest.raises(ConfigError, match=f"next below has {low}, the next above {high}") as e:
            plan(tokens)
        assert f"Allow {low} or {high} tokens" in str(e.value.remedy)


@pytest.mark.parametrize("balanced", [False, True])
def test_tokens_beyond_the_finest_cells_are_not_spent_on_parents(balanced: bool) -> None:
    config = TokenizerConfig(patch=(16, 8, 4), tokens=300, balanced=balanced)
    tree = grow(config, torch.randn(2, 1, 1, 40, 40), periodic=(False, False))
    assert num_tokens(TOKENIZERS["adap_mix"](tree)).tolist() == [100, 100]


@given(data=st.data())
def test_a_number_of_tokens_is_never_exceeded_and_met_where_it_can_be(
    data: st.DataObject,
) -> None:
    patch = data.draw(st.sampled_from(LADDERS))
    name = data.draw(st.sampled_from(("adap_mix", "adap_mul")))
    shape = data.draw(grids(patch[0]))
    balanced = data.draw(st.booleans())
    keep = name == "adap_mix" and data.draw(st.booleans())
    tokens = data.draw(st.integers(1, 400))
    periodic = data.draw(st.booleans())
    seed = data.draw(st.integers(0, 2**16))
    config = TokenizerConfig(
        name=name, patch=patch, tokens=tokens, balanced=balanced, keep_parents=keep
    )
    generator = torch.Generator().manual_seed(seed)
    history = torch.randn(2, 1, 1, *shape, generator=generator)
    roots = math.prod(-(-points // patch[0]) for points in shape)
    try:
        tree = grow(config, history, periodic=(periodic,) * len(shape))
    except ConfigError:
        pieces = tuple((big // small) ** len(shape) for big, small in pairwise(patch))
        if tokens >= roots:
            assert name == "adap_mix"
            assert not is_reachable(tokens, roots, pieces)
        return
    counts = num_tokens(TOKENIZERS[name](tree))
    assert (counts <= tokens).all()
    assert tokens >= roots
    if tree.has_known_counts:
        assert counts.unique().numel() == 1
    fine = math.prod(-(-points // patch[-1]) for points in shape)
    if name == "adap_mix" and not keep:
        assert (counts <= fine).all()
    if name == "adap_mix" and tree.has_known_counts and tokens <= fine:
        assert counts.tolist() == [tokens] * 2
    if name == "adap_mul" and tree.has_known_counts and len(patch) == 2:
        block = (patch[0] // patch[1]) ** len(shape)
        assert counts[0] == roots + block * min((tokens - roots) // block, roots)
