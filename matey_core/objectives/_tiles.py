"""A history that is cut into tiles of space and time, which come in another order.

The model is asked where each tile was: one answer for each axis along which there are several, and
for each tile in time. It is a mean over the tile's points. Places are numbers along the axis, with
mean 0 and mean square 1 over all tiles that move. So a model that answers 0 has a loss of 1, as has
the best constant.

Points behind the last whole tile stay where they are, and do not count.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.errors import ConfigError
from matey_core.fields import Grid, answer_name
from matey_core.objectives import ObjectiveValue, Predict
from matey_core.objectives._answers import answered, ask
from matey_core.objectives._drawn import drawn

AXES = 4
"""Time, and up to three axes of space."""


def names_of(objective: str, times: int, axes: range) -> tuple[str, ...]:
    """Name the answers of all tiles in time along some axes, time being axis 0."""
    return tuple(_name(objective, time, axis) for time in range(times) for axis in axes)


def space_counts(grid: Grid) -> tuple[int, ...]:
    """Two tiles along each axis; four where there is one axis alone."""
    most = 2 if sum(points > 1 for points in grid.shape) > 1 else 4
    return tuple(min(most, points) for points in grid.shape)


def check_tiles(objective: str, windows: Windows, moving: int) -> None:
    """Raise if there are no two tiles to sort.

    Args:
        objective: its name.
        windows: of a store.
        moving: number of tiles that are sorted.

    Raises:
        ConfigError: says what is too small.
    """
    if moving < 2:
        shape = "×".join(map(str, windows.spec.grid.shape))
        raise ConfigError(
            f"The objective {objective} cannot cut {windows.history} frames of {shape} points "
            "into tiles to sort.",
            remedy="Use a longer --history, or another --objective.",
        )


def sort(
    objective: str,
    predict: Predict,
    batch: FieldBatch,
    counts: tuple[int, ...],
    *,
    first_stays: bool,
) -> ObjectiveValue:
    """Shuffle the tiles of a batch, and compare what the model says of their places.

    Args:
        objective: name, for the answers.
        predict: the model.
        batch: of windows.
        counts: tiles along time and every axis of space.
        first_stays: whether the first tile does. On periodic axes, data look alike from everywhere,
            and all tiles could have moved by one.
    """
    fixed = int(first_stays)
    numbers = drawn(batch, math.prod(counts) - fixed)
    order = torch.cat([torch.zeros_like(numbers[:, :fixed]), fixed + numbers.argsort(1)], 1)
    axes = [axis for axis, count in enumerate(counts) if count > 1]
    names = [_name(objective, time, axis) for time in range(counts[0]) for axis in axes]
    said = ask(predict, replace(batch, history=reordered(batch.history, counts, order)), names)
    tiles = cut(said.answers.unflatten(1, (counts[0], -1)), counts)[:, fixed:].flatten(2, -2)
    places = places_of(counts, fixed, like=tiles)[:, axes][order[:, fixed:]]
    return answered(objective, (tiles.mean(2) - places).square().mean(), said.prediction)


def reordered(
    history: Float[Tensor, "b t c *space"], counts: tuple[int, ...], order: Int[Tensor, "b n"]
) -> Float[Tensor, "b t c *space"]:
    """Put tile `order[i]` where tile i was.

    Args:
        history: of windows.
        counts: tiles along time and every axis of space.
        order: numbers of tiles, of each sample.
    """
    tiles = cut(history, counts)
    samples = torch.arange(len(tiles), device=tiles.device).unsqueeze(1)
    tiles = tiles[samples, order].unflatten(1, counts)
    for axis in range(len(counts)):  # (b, tiles…, points…, c): each axis of tiles before its points
        tiles = tiles.movedim(1 + len(counts) + axis, 2 + 2 * axis)
    for axis in range(len(counts)):
        tiles = tiles.flatten(1 + axis, 2 + axis)
    whole = history.clone()
    _covered(whole, counts).copy_(tiles.movedim(-1, 2))
    return whole


def cut(
    values: Float[Tensor, "b t c *space"], counts: tuple[int, ...]
) -> Float[Tensor, "b n *tile c"]:
    """Cut into tiles: time and space in order, channels last."""
    tiles = _covered(values, counts).movedim(2, -1)
    for axis, count in enumerate(counts):  # the tiles of each axis go before all points
        tiles = tiles.unflatten(1 + 2 * axis, (count, -1)).movedim(1 + 2 * axis, 1 + axis)
    return tiles.flatten(1, len(counts))


def places_of(counts: tuple[int, ...], fixed: int, like: Tensor) -> Float[Tensor, "n a"]:
    """Give the place of every tile along every axis; 0 where there is one alone.

    Args:
        counts: tiles along every axis.
        fixed: number of tiles that stay, at the begin.
        like: says on which device.
    """
    lines = [torch.arange(float(count), device=like.device) for count in counts]
    places = torch.cartesian_prod(*lines).view(-1, len(counts))
    moving = places[fixed:]
    centered = places - moving.mean(0)
    return centered / moving.std(0, correction=0).clamp(min=1e-6)


def _covered(values: Float[Tensor, "b t c *space"], counts: tuple[int, ...]) -> Tensor:
    """The part of a tensor that whole tiles cover."""
    for axis, count in zip((1, *range(3, values.ndim)), counts, strict=True):
        values = values.narrow(axis, 0, values.shape[axis] // count * count)
    return values


def _name(objective: str, time: int, axis: int) -> str:
    return answer_name(f"{objective}_{time}_{axis}")
