"""Dealing the cells of a pass out to the processes that share every sample."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers._base import Pass
from matey_core.tokenizers._layout import Group, Layout
from matey_core.tokens import Places, Segments, Shard


def deal(layout: Layout, cells: Pass, group: SequenceGroup) -> Layout:
    """Keep this process' cells of a pass.

    The cells of each level are dealt like cards, so that every process has as many of each
    size, from everywhere in the domain, and all do the same work. Of local passes it is
    whole blocks that are dealt, and attention has nothing to exchange.

    Args:
        layout: of the whole pass.
        cells: the pass.
        group: the processes.

    Returns:
        The layout of this process' cells. Except for local passes, its segments are still
        those of the whole sequences, and its shard says where the rest is.

    Raises:
        ConfigError: a sequence has fewer tokens than there are processes.
    """
    if cells.local:
        return _whole_blocks(layout, group)
    if min(layout.segments.lengths) < group.size:
        raise ConfigError(
            f"{group.size} processes cannot share a sample of {min(layout.segments.lengths)} "
            "tokens.",
            remedy="Choose a smaller --sequence-parallel, or more tokens a sample.",
        )
    parts = _parts(layout, group.size)
    by_rank = _by_rank(layout, group.size)
    start = sum(part.total for part in parts[: group.rank])
    mine = by_rank[start : start + parts[group.rank].total]
    groups = tuple(_own(each, slice(group.rank, None, group.size)) for each in layout.groups)
    positions = torch.empty_like(by_rank)
    positions[by_rank] = torch.arange(len(by_rank), device=by_rank.device)
    return replace(
        layout,
        groups=groups,
        order=None if layout.order is None else _number(layout, groups, group)[layout.order[mine]],
        places=_at(layout.places, mine),
        shard=Shard(group=group, parts=parts, by_rank=by_rank, positions=positions),
    )


def _whole_blocks(layout: Layout, group: SequenceGroup) -> Layout:
    (cells,) = layout.groups
    assert layout.order is not None
    length = math.prod(layout.grid or ())
    rows = torch.arange(len(cells), device=layout.order.device)
    mine = rows.view(-1, length)[group.rank :: group.size].flatten()
    return replace(
        layout,
        groups=(_own(cells, layout.order[mine]),),
        order=None,
        places=_at(layout.places, mine),
        segments=Segments.same(len(mine) // length, length),
    )


def _own(group: Group, rows: Int[Tensor, " n"] | slice) -> Group:
    return replace(group, index=tuple(index[rows] for index in group.index), are_all=False)


def _at(places: Places, rows: Int[Tensor, " n"]) -> Places:
    return Places(
        centre=places.centre[rows],
        size=places.size[rows],
        level=places.level[rows],
        sample=places.sample[rows],
    )


def _parts(layout: Layout, size: int) -> tuple[Segments, ...]:
    """For each process: how many tokens of each sample it has."""
    parts = [[0] * layout.segments.count for _ in range(size)]
    for each in layout.groups:
        start = 0
        for sample, length in enumerate(each.lengths):
            for rank in range(size):
                parts[rank][sample] += _dealt(start, length, rank, size)
            start += length
    return tuple(Segments(tuple(lengths)) for lengths in parts)


def _dealt(start: int, length: int, rank: int, size: int) -> int:
    """How many of the rows from `start` on leave the remainder `rank`."""
    return (start + length - 1 - rank) // size - (start - 1 - rank) // size


def _by_rank(layout: Layout, size: int) -> Int[Tensor, " n"]:
    """Packed positions of all tokens, process after process, each in packed order."""
    device = layout.places.sample.device
    owner = torch.cat([torch.arange(len(each), device=device) % size for each in layout.groups])
    if layout.order is not None:
        owner = owner[layout.order]
    return owner.argsort(stable=True)


def _number(layout: Layout, groups: Sequence[Group], group: SequenceGroup) -> Int[Tensor, " n"]:
    """Number that each token of the whole pass, group by group, has in its own process."""
    device = layout.places.sample.device
    numbers, first = [], 0
    for whole, own in zip(layout.groups, groups, strict=True):
        numbers.append(first + torch.arange(len(whole), device=device) // group.size)
        first += len(own)
    return torch.cat(numbers)
