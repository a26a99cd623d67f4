"""Nothing exceeds its budget, whatever the grid, the levels and the fields."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from matey_core.errors import ConfigError
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig, grow, num_tokens

LADDERS = ((16, 8, 4), (8, 4), (12, 4), (8, 4, 2), (9, 3))


@st.composite
def grids(draw: st.DrawFn, side: int) -> tuple[int, ...]:
    axes = draw(st.integers(1, 3))
    most = {1: 90, 2: 45, 3: 20}[axes]
    return tuple(draw(st.integers(side, max(side, most))) for _ in range(axes))


@given(data=st.data())
def test_a_number_of_tokens_is_never_exceeded_and_met_where_it_can_be(
    data: st.DataObject,
) -> None:
    patch = data.draw(st.sampled_from(LADDERS))
    name = data.draw(st.sampled_from(("adap_mix", "adap_mul")))
    shape = data.draw(grids(patch[0]))
    balanced, keep = data.draw(st.booleans()), data.draw(st.booleans())
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
        pieces = (patch[0] // patch[1]) ** len(shape)
        assert tokens < roots or tokens - roots < pieces * 2 + roots
        return
    counts = num_tokens(TOKENIZERS[name](tree))
    assert (counts <= tokens).all()
    assert tokens >= roots
    if tree.has_known_counts:
        assert counts.unique().numel() == 1
    fine = math.prod(-(-points // patch[-1]) for points in shape)
    if name == "adap_mix" and tree.has_known_counts and tokens <= fine:
        assert counts.tolist() == [tokens] * 2
    if name == "adap_mul" and tree.has_known_counts and len(patch) == 2:
        block = (patch[0] // patch[1]) ** len(shape)
        assert counts[0] == roots + block * min((tokens - roots) // block, roots)
