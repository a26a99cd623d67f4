"""Changing every sample of a batch on its own, history, targets and mask alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from matey_core.batches import FieldBatch

Change = Callable[[Any], Tensor]
"""What is done to frames of one sample (k, c, *space): to states, and to a mask of them."""


def generators(seeds: Sequence[int], strength: float) -> Iterator[torch.Generator | None]:
    """Yield a generator for every sample that takes part, with chance `strength`, else None."""
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        takes_part = bool(torch.rand((), generator=generator) < strength)
        yield generator if takes_part else None


def picked(changes: Sequence[Change], seeds: Sequence[int], strength: float) -> list[Change | None]:
    """Pick a change for every sample that takes part, each as likely as any other."""
    return [
        changes[int(torch.randint(len(changes), (), generator=generator))] if generator else None
        for generator in generators(seeds, strength)
    ]


def change_samples(batch: FieldBatch, changes: Sequence[Change | None]) -> FieldBatch:
    """Do to each sample's history, targets and mask what is its own; None leaves it as it is."""
    if all(change is None for change in changes):
        return batch

    def changed(values: Tensor) -> Tensor:
        result = torch.empty_like(values)
        for frames, change, out in zip(values, changes, result, strict=True):
            out.copy_(change(frames) if change else frames)
        return result

    return replace(
        batch,
        history=changed(batch.history),
        targets=None if batch.targets is None else changed(batch.targets),
        valid=None if batch.valid is None else changed(batch.valid),
        change=None if batch.change is None else _with_ones(batch, changed),
    )


def _with_ones(batch: FieldBatch, changed: Callable[[Tensor], Tensor]) -> Tensor:
    """Let sizes of fields (b, l, c) follow as a grid of one point would; sizes have no sign."""
    assert batch.change is not None
    point = (1,) * batch.spec.grid.num_axes
    return changed(batch.change.reshape(*batch.change.shape, *point)).abs().flatten(2)
