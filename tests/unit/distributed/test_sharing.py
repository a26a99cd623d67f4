"""How cells, heads and processes are divided, without other processes."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist

from matey_core.distributed import Place
from matey_core.errors import ConfigError
from matey_core.models import ModelConfig
from matey_core.nn import partial_attention
from matey_core.nn.ulysses import shares
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig, Tree
from matey_core.tokenizers._base import Pass
from matey_core.tokenizers._deal import deal
from matey_core.tokenizers._grow import grow
from matey_core.tokenizers._layout import Layout, gather, lay_out, scatter
from tests.formula import batch_of, spec_of

TOKENIZER = {
    "uniform": {"name": "uniform", "patch": (4,)},
    "two levels": {"patch": (8, 4), "ratio": 0.4},
    "three levels": {"patch": (8, 4, 2), "tokens": 42},
    "parents": {"patch": (8, 4), "tokens": 28, "keep_parents": True},
    "unequal": {"patch": (8, 4, 2), "gamma": 0.3},
    "blocks": {"name": "adap_mul", "patch": (8, 4, 2), "ratio": 0.4},
}


@pytest.fixture
def handle() -> Iterator[dist.ProcessGroup]:
    dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    assert dist.group.WORLD is not None
    yield dist.group.WORLD
    dist.destroy_process_group()


@pytest.fixture
def history() -> torch.Tensor:
    """Samples that differ in how much detail they have."""
    generator = torch.Generator().manual_seed(1)
    values = batch_of(spec_of((16, 40))).history.clone()
    values[1] += torch.randn(values[1].shape, generator=generator)
    return values


def plan(history: torch.Tensor, name: str) -> tuple[Tree, list[tuple[Pass, Layout]]]:
    config = TokenizerConfig(**TOKENIZER[name])
    tree = grow(config, history, periodic=(True, True))
    passes = TOKENIZERS[config.name](tree)
    return tree, [(each, lay_out(each, tree.patches, (16, 40))) for each in passes]


def embedded(history: torch.Tensor, tree: Tree, layout: Layout) -> list[torch.Tensor]:
    """A number that tells each cell and time apart, group by group."""
    cells = (gather(history, tree.patches[group.level], group) for group in layout.groups)
    return [values.flatten(2).double().sum(2) for values in cells]


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", TOKENIZER)
def test_every_cell_is_dealt_once_and_finds_its_place(
    name: str, size: int, history: torch.Tensor, handle: dist.ProcessGroup
) -> None:
    tree, passes = plan(history, name)
    assert name != "unequal" or passes[0][1].segments.equal is None
    for cells, whole in passes:
        members = [SequenceGroup(rank=rank, size=size, handle=handle) for rank in range(size)]
        parts = [deal(whole, cells, member) for member in members]
        counts = [[len(group) for group in part.groups] for part in parts]
        block = (whole.segments.equal or 0) if cells.local else 1
        assert all(max(level) - min(level) <= block for level in zip(*counts, strict=True))
        rows, canvas = [], torch.zeros(3, 2, 16, 40)
        for part in parts:
            values = embedded(history, tree, part)
            packed = part.pack(values)
            for back, value in zip(part.unpack(packed), values, strict=True):
                assert torch.equal(back, value)
            rows.append(torch.cat([packed, part.places.centre, part.places.size], dim=1))
            assert packed.shape[0] == len(part.places.sample)
            for group in part.groups:
                patch = tree.patches[group.level]
                canvas += scatter(gather(history, patch, group)[:, 0], patch, group, (3, 16, 40))
        expected = torch.cat(
            [whole.pack(embedded(history, tree, whole)), whole.places.centre, whole.places.size],
            dim=1,
        )
        if cells.local:
            blocks = expected.view(-1, block, expected.shape[1])
            for rank, part in enumerate(rows):
                assert torch.equal(part, blocks[rank::size].flatten(0, 1))
        else:
            shard = parts[0].shard
            assert shard is not None
            assert torch.equal(torch.cat(rows)[shard.positions], expected)
            assert torch.equal(expected[shard.by_rank], torch.cat(rows))
            for part, lengths in zip(parts, shard.parts, strict=True):
                found = torch.bincount(part.places.sample, minlength=3)
                assert tuple(found.tolist()) == lengths.lengths
        total = torch.zeros_like(canvas)
        for group in whole.groups:
            patch = tree.patches[group.level]
            total += scatter(gather(history, patch, group)[:, 0], patch, group, (3, 16, 40))
        assert torch.equal(canvas, total)


def test_fewer_tokens_than_processes_are_refused(
    history: torch.Tensor, handle: dist.ProcessGroup
) -> None:
    _, ((cells, whole),) = plan(history, "uniform")
    group = SequenceGroup(rank=0, size=41, handle=handle)
    with pytest.raises(ConfigError, match="41 processes cannot share a sample of 40 tokens"):
        deal(whole, cells, group)


def test_neighbors_in_rank_share_samples() -> None:
    places = [Place(rank=rank, size=6).sharing(2) for rank in range(6)]
    assert [place.data_rank for place in places] == [0, 0, 1, 1, 2, 2]
    assert {place.data_size for place in places} == {3}
    assert [place.shares_with_first for place in places] == [True, True] + [False] * 4
    with pytest.raises(ConfigError, match="4 processes shall share every sample, and 6 processes"):
        Place(size=6).sharing(4)
    with pytest.raises(ConfigError, match="and 1 process cannot"):
        Place().sharing(2)


def test_heads_are_shared_out_evenly() -> None:
    assert shares(12, 4) == [3, 3, 3, 3]
    assert shares(5, 3) == [2, 2, 1]


def test_paper_variant_and_sequence_norms_are_refused(handle: dist.ProcessGroup) -> None:
    group = SequenceGroup(rank=0, size=4, handle=handle)
    for changes, complaint in (
        ({"variant": "paper"}, "paper variant cannot share"),
        ({"norm": "sequence"}, "standardizes over all tokens"),
        ({"scheme": "axial", "tokenizer": TokenizerConfig(name="uniform", patch=(4,))}, "2 heads"),
    ):
        sizes = {"variant": "matey", "width": 24, "depth": 1, "heads": 2}
        config = ModelConfig.choose({**sizes, **changes})
        model = config.build(fields=("density",), num_axes=(2,))
        with pytest.raises(ConfigError, match=complaint):
            model.share_samples(group)


@pytest.mark.parametrize("piece", [2**24, 200])
def test_attention_to_parts_of_the_keys_equals_attention_to_all(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fused and the written-out way, in float64, against softmax and autograd."""
    monkeypatch.setattr(partial_attention, "SCORES", piece)
    generator = torch.Generator().manual_seed(0)
    q, k, v, towards = (
        torch.randn(2, 3, n, 8, dtype=torch.float64, generator=generator).requires_grad_()
        for n in (7, 11, 11, 7)
    )
    scores = q @ k.mT / 8**0.5
    expected = scores.softmax(-1) @ v
    logs = scores.logsumexp(-1)
    wanted = torch.autograd.grad(expected, (q, k, v), towards)
    with torch.no_grad():
        for forward, backward in (
            (partial_attention.attend, partial_attention.gradients),
            (partial_attention.attend_in_pieces, partial_attention.gradients_in_pieces),
        ):
            merged = torch.zeros_like(q)
            found = [torch.zeros_like(q)]
            keys, values = [], []
            for part in (slice(0, 4), slice(4, 11)):
                some, log = forward(q, k[:, :, part], v[:, :, part])
                merged += some * (log - logs).exp().unsqueeze(-1)
                slopes = backward(towards, q, k[:, :, part], v[:, :, part], expected, logs)
                found[0] += slopes[0]
                keys.append(slopes[1])
                values.append(slopes[2])
            found += [torch.cat(keys, dim=2), torch.cat(values, dim=2)]
            torch.testing.assert_close(merged, expected, rtol=1e-12, atol=1e-12)
            for slope, want in zip(found, wanted, strict=True):
                torch.testing.assert_close(slope, want, rtol=1e-12, atol=1e-12)
