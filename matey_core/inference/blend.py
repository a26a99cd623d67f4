"""The first predicted frame: a weighted mean of a model's and the local linear fit's.

A fit to true frames is often the best forecast of the next frame, and a poor one of the frames
that follow. So later frames are the model's alone, and nothing is fitted to its predictions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.forecasts import Blend, Blended
from matey_core.forecasts.local_linear import Fit, LocalLinearConfig
from matey_core.models import Model

FITTING = LocalLinearConfig().build()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstFrame:
    """What the fit says of the frame after the last known one."""

    values: Float[Tensor, "b c *space"]
    """In physical units."""
    unexplained: Float[Tensor, "b c"]
    """What it leaves of the changes in the history; NaN where it has nothing to say."""

    @classmethod
    def of(cls, fit: Fit) -> "FirstFrame":
        """Take the first frame of a fit; one that is not finite says nothing."""
        values = next(fit.states())
        is_finite = values.isfinite().flatten(2).all(2)
        return cls(values=values, unexplained=fit.unexplained.where(is_finite, torch.nan))


def from_known(model: Model, batch: FieldBatch) -> Float[Tensor, "b l c *space"]:
    """Predict from frames that are all known.

    What is one frame ahead is blended, where the model has blends for the dataset. All else is
    the model's, bit for bit.

    Args:
        model: in evaluation mode.
        batch: its history; `valid`, if there is one, tells the missing cells.

    Returns:
        (b, l, c, *space) at `batch.lead_steps`, in physical units.
    """
    values = model(batch).values
    blends = model.blends.get(batch.spec.dataset, {})
    is_next = batch.lead_steps == 1
    if not any(name in blends for name in batch.spec.names) or batch.history.shape[1] == 1:
        return values
    fit = FirstFrame.of(FITTING.fit(batch))
    weight = torch.stack(
        [
            blends[name].weight(part) if name in blends else torch.zeros_like(part)
            for name, part in zip(batch.spec.names, fit.unexplained.unbind(1), strict=True)
        ],
        dim=1,
    )
    weight = (weight[:, None] * is_next[:, :, None]).to(values.dtype)
    weight = weight.reshape(*weight.shape, *[1] * (values.ndim - 3))
    mixed = values + weight * (fit.values[:, None] - values)
    return torch.where(weight > 0, mixed, values)


@torch.inference_mode()
def measure_blends(
    model: Model, batches: Iterable[FieldBatch], fits: Iterable[FirstFrame]
) -> dict[str, Blend]:
    """Choose the blend of every field that makes the mean nRMSE smallest.

    Args:
        model: is put into evaluation mode meanwhile.
        batches: of one dataset, with targets one frame ahead.
        fits: to the same histories.

    Returns:
        Field → blend; without those whose model alone is as good.
    """
    was_training = model.training
    model.eval()
    try:
        parts = [
            _compared(model(batch).values[:, 0], batch, fit)
            for batch, fit in zip(batches, fits, strict=False)
        ]
    finally:
        model.train(was_training)
    found = {}
    for name in parts[0] if parts else ():
        if blend := Blended.joined([part[name] for part in parts]).best():
            found[name] = blend
    return found


def _compared(
    values: Float[Tensor, "b c *space"], batch: FieldBatch, fit: FirstFrame
) -> dict[str, Blended]:
    assert batch.targets is not None
    target = batch.targets[:, 0].double()
    own, other = values.double() - target, fit.values.double() - values.double()
    counts = torch.ones_like(target) if batch.valid is None else batch.valid[:, 0].double()

    def mean(product: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c"]:
        total = torch.where(counts > 0, product, 0).flatten(2).sum(2)
        return total / counts.flatten(2).sum(2).clamp(min=1)

    parts = (
        mean(own * own),
        mean(own * other),
        mean(other * other),
        mean(target * target),
        fit.unexplained.double(),
    )
    of_fields = torch.stack(parts, dim=1).cpu().unbind(2)
    return {
        name: Blended(*part.unbind(1))
        for name, part in zip(batch.spec.names, of_fields, strict=True)
    }
