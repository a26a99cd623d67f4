"""Tiles in another order: which, and what a model can say of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.data import Windows
from matey_core.errors import ConfigError
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives import ObjectiveConfig
from matey_core.objectives._drawn import drawn
from matey_core.objectives._tiles import places_of, reordered
from matey_core.store import open_store
from tests.formula import batch_of, spec_of
from tests.support import tiny_store

CASES = [
    ("space_sort", (18,), (1, 4)),
    ("space_sort", (9, 8), (1, 2, 2)),
    ("jigsaw", (16,), (2, 4)),
    ("jigsaw", (8, 9), (2, 2, 2)),
    ("jigsaw", (4, 5, 4), (2, 2, 2, 2)),
    ("time_sort", (4, 4), (4, 1, 1)),
]


def settings_of(name: str) -> ObjectiveConfig:
    more = {"answer": "places"} if name == "time_sort" else {}
    return ObjectiveConfig.choose({"name": name, **more})


def told(batch: FieldBatch, answers: Tensor) -> Prediction:
    """What a model says whose answers are these, in the units of models."""
    frames, known = batch.history.shape[1], batch.spec.names
    asked = sum(name.startswith("_answer:") for name in known)
    assert answers.shape[1] == asked
    lead = batch.lead_steps.view(-1, *(1,) * (answers.ndim - 1))
    values = torch.cat(
        [batch.history[:, -1, :-asked], (answers + min(frames - 1, 1)) * lead + frames - 1], 1
    )
    return Prediction(spec=batch.spec, values=values[:, None], lead_steps=batch.lead_steps)


def with_places(shape: tuple[int, ...], counts: tuple[int, ...], fixed: int) -> FieldBatch:
    """Windows whose fields are the places of the tiles along time and every axis."""
    batch = batch_of(spec_of(shape, fields=1), samples=30, frames=4)
    places = torch.zeros(30, 4, len(counts), *shape)
    for number, place in enumerate(places_of(counts, fixed, like=places).T):
        grid = place.view(*counts)
        for axis, points in enumerate((4, *shape)):
            tile_of = torch.arange(points) // (points // counts[axis])
            grid = grid.index_select(axis, tile_of.clamp(max=counts[axis] - 1))
        places[:, :, number] = grid
    noise = batch.history[:, :, :1]
    fields = tuple(replace(batch.spec.fields[0], name=f"f{n}") for n in range(len(counts) + 1))
    return FieldBatch(
        spec=replace(batch.spec, fields=fields),
        history=torch.cat([noise, places], 2),
        lead_steps=batch.lead_steps,
    )


@pytest.mark.parametrize(("name", "shape", "counts"), CASES)
def test_who_sees_where_tiles_were_has_no_loss_and_who_says_nothing_has_1(
    name: str, shape: tuple[int, ...], counts: tuple[int, ...]
) -> None:
    config = settings_of(name)
    batch = with_places(shape, counts, fixed=int(name != "time_sort"))
    seen: list[FieldBatch] = []

    def sees(each: FieldBatch) -> Prediction:
        seen.append(each)
        axes = [axis for axis, count in enumerate(counts) if count > 1]
        frames = each.history[:, :: 4 // counts[0], 1 : 1 + len(counts)][:, :, axes]
        return told(each, frames.flatten(1, 2))

    def says_nothing(each: FieldBatch) -> Prediction:
        asked = sum(n in config.answers for n in each.spec.names)
        return told(each, torch.zeros(batch.size, asked, *shape))

    objective = config.build(relative_mse)
    assert objective(sees, batch).total < 1e-10
    assert objective(says_nothing, batch).total.item() == pytest.approx(1, abs=1e-5)
    (shown,) = seen
    assert set(shown.spec.names) - set(config.answers) == set(batch.spec.names)
    moved = (shown.history[:, :, : len(counts) + 1] != batch.history).flatten(1).any(1)
    assert moved.float().mean() > 0.7
    values = [each.history[:, :, 0].flatten(1).sort(1).values for each in (shown, batch)]
    assert torch.equal(*values)  # every point of every window, once


def test_an_order_is_undone_by_its_inverse_and_follows_from_the_window() -> None:
    batch = batch_of(spec_of((9, 8)), samples=5, frames=4)
    counts, order = (2, 2, 2), drawn(batch, 8).argsort(1)
    there = reordered(batch.history, counts, order)
    assert torch.equal(reordered(there, counts, order.argsort(1)), batch.history)
    assert torch.equal(there[0, 2:, :, :4, :4], batch.history[0, *_block(order[0, 4])])
    few = reordered(batch.history[1:3], counts, drawn(batch.select(slice(1, 3)), 8).argsort(1))
    assert torch.equal(few, there[1:3])


def _block(number: Tensor) -> tuple[slice, ...]:
    """Frames, fields and points of one of 2×2×2 blocks of 4 frames of 9×8 points."""
    time, x, y = (int(number) >> bit & 1 for bit in (2, 1, 0))
    sides = ((time, 2), (x, 4), (y, 4))
    t, *space = (slice(place * side, (place + 1) * side) for place, side in sides)
    return (t, slice(None), *space)


@pytest.mark.parametrize("name", ["space_sort", "time_sort", "binary", "jigsaw"])
def test_what_cannot_be_sorted_is_said(name: str, tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path, shape=(2,), samples=1))
    few = Windows(store, (0,), history=1, max_lead=1)
    with pytest.raises(ConfigError, match=rf"The objective {name} .*(history|2 points)"):
        settings_of(name).check(few)
    more = replace(store.spec, grid=replace(store.spec.grid, shape=(4,)))
    enough = Windows(replace(store, spec=more), (0,), history=2, max_lead=1)
    settings_of(name).check(enough)
