"""Means over the cells that are known, and their roots, which the losses share."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.rounding import power_of_two

SMALLEST = 1e-12
"""Added under a root, whose slope at 0 would not be finite."""
Unit = Float[Tensor, "b #l c"]
"""What values are divided by before they are squared."""


def unit_of(batch: FieldBatch) -> Float[Tensor, "b 1 c"]:
    """A power of two near the size of each field's history, in which squares do not overflow."""
    return power_of_two(batch.history.abs().flatten(3).amax((1, 3)))[:, None]


def squared_error(
    prediction: Prediction, batch: FieldBatch, unit: Unit | None = None
) -> Float[Tensor, "b l c"]:
    """Mean over space of (p − t)², in at least float32; 0 where no target is known."""
    assert batch.targets is not None
    error = prediction.values - batch.targets
    if batch.valid is not None:  # before squaring: a gradient of 0 · ∞ would be NaN
        error = torch.where(batch.valid, error, 0.0)
    return over_space(_in(unit, error).square(), batch.valid)


def squared_size(batch: FieldBatch, unit: Unit | None = None) -> Float[Tensor, "b l c"]:
    """Mean over space of the squared target; 0 where none is known."""
    assert batch.targets is not None
    return over_space(_in(unit, batch.targets).square(), batch.valid)


def history_size(batch: FieldBatch, unit: Unit | None = None) -> Float[Tensor, "b l c"]:
    """Mean over the history's times and space of the squared field, at the targets' cells."""
    squared = _in(unit, batch.history).square()
    if batch.valid is None:
        return squared.flatten(3).mean((1, 3))[:, None]
    squared = squared.mean(1, keepdim=True)
    return over_space(squared.expand(batch.valid.shape), batch.valid)


def history_spread(
    batch: FieldBatch, unit: Unit
) -> tuple[Float[Tensor, "b #l c"], Float[Tensor, "b 1 c"]]:
    """Standard deviation of the history at the targets' cells, and its mean's size, in units.

    Cells that are not known hold the mean, so that they do not shift it.
    """
    history = _in(unit, batch.history)
    mean = history.flatten(3).mean((1, 3))[:, None]
    squared = (history - mean.view(*mean.shape, *(1,) * (history.ndim - 3))).square()
    squared = squared.mean(1, keepdim=True)
    if batch.valid is not None:
        squared = squared.expand(batch.valid.shape)
    return over_space(squared, batch.valid).sqrt(), mean.abs()


def over_space(
    values: Float[Tensor, "b l c *space"], valid: Bool[Tensor, "b l c *space"] | None
) -> Float[Tensor, "b l c"]:
    """Average over the known cells of all space axes; 0 where there is none."""
    if valid is None:
        return values.flatten(3).mean(3)
    known = valid.flatten(3)
    return torch.where(known, values.flatten(3), 0.0).sum(3) / known.sum(3).clamp(min=1)


def over_samples(values: Float[Tensor, "b l c"], batch: FieldBatch) -> Float[Tensor, ""]:
    """Average over lead times and fields of which something is known, then over samples.

    A sample of which nothing is known counts as 0: so the mean over equal parts of a batch
    remains the mean over the batch.
    """
    if batch.valid is None:
        return values.mean()
    is_known = batch.valid.flatten(3).any(3)
    sums = torch.where(is_known, values, 0.0).sum((1, 2))
    return (sums / is_known.sum((1, 2)).clamp(min=1)).mean()


def root(relative: Float[Tensor, "b l c"]) -> Float[Tensor, "b l c"]:
    """√r of a dimensionless r, 0 at 0 and with a finite slope there."""
    return (relative + SMALLEST).sqrt() - SMALLEST**0.5


def _in(unit: Unit | None, values: Float[Tensor, "b k c *space"]) -> Tensor:
    """Values as multiples of a unit."""
    return values if unit is None else values / unit.view(*unit.shape, *(1,) * (values.ndim - 3))
