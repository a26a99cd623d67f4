"""Cutting cells out, and stems and heads that are local to a cell."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from matey_core.nn.factors import stage_factors
from matey_core.tokenizers import Cells, Pass, TokenizerConfig, grow
from matey_core.tokenizers._layout import gather, lay_out, scatter
from matey_core.tokenizers._patches import Head, Stem, nested, unnested
from matey_core.tokenizers.adap_mix import adap_mix
from matey_core.tokenizers.adap_mul import adap_mul
from tests.formula import wave

SHAPES = {(24,): (8,), (16, 24): (8, 8), (8, 12, 8): (4, 4, 4), (12, 20): (6, 4)}


@pytest.mark.parametrize(("shape", "patch"), SHAPES.items())
def test_gathering_all_cells_and_scattering_them_is_the_identity(
    shape: tuple[int, ...], patch: tuple[int, ...]
) -> None:
    fields = wave(2, 1, 3, *shape)
    cells = tuple(n // p for n, p in zip(shape, patch, strict=True))
    mask = torch.ones(2, *cells, dtype=torch.bool)
    everything = Cells(level=0, mask=mask, count=math.prod(cells))
    group, listed = (
        lay_out(Pass(cells=(each,)), (patch,), shape).groups[0]
        for each in (everything, replace(everything, count=None))
    )
    assert group.are_all
    assert not listed.are_all
    gathered = gather(fields, patch, group)
    assert torch.equal(gathered, gather(fields, patch, listed))
    assert gathered.shape == (2 * math.prod(cells), 1, 3, *patch)
    window = tuple(slice(p, 2 * p) for p in patch)
    place = 1 * math.prod(cells) + sum(math.prod(cells[axis + 1 :]) for axis in range(len(cells)))
    assert torch.equal(gathered[place, 0], fields[(1, 0, slice(None), *window)])
    for each in (group, listed):
        assert torch.equal(scatter(gathered[:, 0], patch, each, (2, *shape)), fields[:, 0])


@pytest.mark.parametrize("patch", [(8,), (16,), (12, 4), (8, 8), (6, 1), (4, 8, 2), (7, 5)])
def test_nesting_groups_the_points_of_each_stage_and_can_be_undone(
    patch: tuple[int, ...],
) -> None:
    cells = wave(3, 1, 2, *patch)
    factors = tuple(stage_factors(side) for side in patch)
    grouped = nested(cells, factors)
    assert torch.equal(unnested(grouped[:, 0], factors), cells[:, 0])
    block = tuple(slice(0, factor[0]) for factor in factors)
    expected = cells[(slice(None), 0, slice(None), *block)].flatten(2).transpose(1, 2)
    assert torch.equal(grouped[:, 0, 0, 0], expected)


def test_a_stem_is_the_three_strided_convolutions_it_stands_for() -> None:
    torch.manual_seed(0)
    stem = Stem((8, 8), 16, inner=4)
    table = torch.randn(2, 4)
    fields = torch.randn(5, 1, 2, 8, 8)
    mixed = torch.einsum("ncyx,cw->nwyx", fields[:, 0], table) / 2**0.5
    norm = torch.nn.functional.layer_norm
    gelu = torch.nn.functional.gelu

    def stage(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """A 2×2 convolution of stride 2 whose weights are listed point by point."""
        out, inner = weight.shape[0], x.shape[1]
        kernel = weight.reshape(out, 2, 2, inner).permute(0, 3, 1, 2)
        return torch.nn.functional.conv2d(x, kernel, bias, stride=2)

    first = stem.first.permute(2, 0, 1).flatten(1)
    x = stage(mixed, first, stem.first_bias)
    x = gelu(norm(x.movedim(1, -1), (4,))).movedim(-1, 1)
    x = stage(x, stem.second.weight, stem.second.bias)
    x = gelu(norm(x.movedim(1, -1), (4,))).movedim(-1, 1)
    x = stage(x, stem.third.weight, stem.third.bias)
    tokens, _ = stem(fields, table)
    torch.testing.assert_close(tokens[:, 0], x[:, :, 0, 0], rtol=1e-4, atol=1e-5)


def test_a_head_reads_each_field_with_its_own_vector() -> None:
    torch.manual_seed(0)
    head = Head((8, 4), 16, inner=4)
    tokens, table, bias = torch.randn(3, 16), torch.randn(3, 4), torch.randn(3)
    together = head(tokens, None, table, bias)
    assert together.shape == (3, 3, 8, 4)
    for field in range(3):
        one = slice(field, field + 1)
        alone = head(tokens, None, table[one], bias[one])
        torch.testing.assert_close(alone, together[:, one], rtol=1e-5, atol=1e-6)


def test_packed_order_is_by_sample_and_unpacking_undoes_it() -> None:
    history = torch.randn(3, 2, 1, 32, 40, generator=torch.Generator().manual_seed(1))
    tree = grow(TokenizerConfig(patch=(8, 4), ratio=0.3), history, periodic=(True, True))
    layout = lay_out(adap_mix(tree)[0], tree.patches, (32, 40))
    assert layout.segments.lengths == tuple(tree.counts().sum(1).tolist())
    assert layout.segments.equal is not None
    assert (layout.places.sample.diff() >= 0).all()
    codes = [1000.0 * level + torch.arange(len(group)) for level, group in enumerate(layout.groups)]
    packed = layout.pack(codes)
    for mine, theirs in zip(layout.unpack(packed), codes, strict=True):
        assert torch.equal(mine, theirs)
    area = layout.places.size.prod(1)
    totals = torch.zeros(3).index_add(0, layout.places.sample, area)
    np.testing.assert_allclose(totals, 1.0, rtol=1e-5)


@pytest.mark.parametrize("budget", [{"ratio": 0.3}, {"gamma": 0.5}])
def test_cells_of_a_sample_are_counted_where_all_have_equally_many(
    budget: dict[str, float],
) -> None:
    history = torch.randn(3, 2, 1, 16, 24, generator=torch.Generator().manual_seed(1))
    for name, passes in (("adap_mix", adap_mix), ("adap_mul", adap_mul)):
        config = TokenizerConfig(name=name, patch=(8, 4), **budget)
        tree = grow(
            config, history * torch.arange(1, 4).view(-1, 1, 1, 1, 1), periodic=(True, True)
        )
        for cells in passes(tree):
            places = lay_out(cells, tree.patches, (16, 24)).places
            counts = places.sample.bincount(minlength=3).tolist()
            assert places.per_sample == (counts[0] if len(set(counts)) == 1 else None)
            assert (places.sample.diff() >= 0).all()


def test_a_line_of_more_than_65536_cells_is_packed_from_end_to_end() -> None:
    history = torch.randn(2, 1, 1, 2**17, generator=torch.Generator().manual_seed(3))
    tree = grow(TokenizerConfig(patch=(8, 1), ratio=0.25), history, periodic=(True,))
    layout = lay_out(adap_mix(tree)[0], tree.patches, (2**17,))
    sample, centre = layout.places.sample, layout.places.centre[:, 0]
    assert ((sample + centre).diff() > 0).all()


def test_local_sequences_are_the_fine_cells_of_one_coarse_cell_in_raster_order() -> None:
    history = torch.randn(2, 2, 1, 16, 24, generator=torch.Generator().manual_seed(2))
    config = TokenizerConfig(name="adap_mul", patch=(8, 4), ratio=0.5)
    tree = grow(config, history, periodic=(False, False))
    local = adap_mul(tree)[1]
    layout = lay_out(local, tree.patches, (16, 24))
    assert layout.segments.lengths == (4,) * 6
    assert layout.grid == (2, 2)
    centres = layout.places.centre.reshape(6, 4, 2) * torch.tensor([16.0, 24.0])
    offsets = centres - centres[:, :1]
    expected = torch.tensor([[0.0, 0.0], [0.0, 4.0], [4.0, 0.0], [4.0, 4.0]])
    torch.testing.assert_close(offsets, expected.expand(6, -1, -1))
    assert torch.equal((centres[:, 0] // 8) * 8 + 2, centres[:, 0])
