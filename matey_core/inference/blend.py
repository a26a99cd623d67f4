"""Predicted frames as weighted means of a model's and the local linear fit's.

A fit to true frames is often the best forecast of the next frame, and mostly a poor one of the
frames that follow. So later frames are the model's alone, unless validation data show that the
fit stays better, as it does where the equation is linear. Nothing is fitted to predictions.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.fields import FieldSpec
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


def blends_of(model: Model, spec: FieldSpec) -> dict[str, Blend]:
    """A model's blends for the fields of a dataset; empty where it has none."""
    blends = model.blends.get(spec.dataset, {})
    return {name: blends[name] for name in spec.names if name in blends}


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
    blended = BlendedFrames.of(model, batch)
    if blended is None:
        return values
    state = blended.next_state()
    mixed = [
        torch.where(_beside(batch.lead_steps[:, index] == 1, own), blended.mixed(own, state), own)
        for index, own in enumerate(values.unbind(1))
    ]
    return torch.stack(mixed, dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendedFrames:
    """A fit to known frames, which goes on beside a model's rollout for as long as it counts."""

    states: Iterator[Float[Tensor, "b c *space"]]
    """Of the fit."""
    weight: Float[Tensor, "b c"]
    """Of the fit in the first frame."""
    frames: tuple[float, ...]
    """Number of blended frames, by field."""

    @classmethod
    def of(cls, model: Model, batch: FieldBatch, fit: Fit | None = None) -> "BlendedFrames | None":
        """Fit to a history; None where the model has no blends, or the history no change.

        Args:
            model: whose blends count.
            batch: its history; `valid`, if there is one, tells the missing cells.
            fit: to this history, where it is known already.
        """
        blends, names = blends_of(model, batch.spec), batch.spec.names
        if not blends or batch.history.shape[1] == 1:
            return None
        fit = fit or FITTING.fit(batch)
        weight = [
            blends[name].weight(part) if name in blends else torch.zeros_like(part)
            for name, part in zip(names, fit.unexplained.unbind(1), strict=True)
        ]
        return cls(
            states=fit.states(),
            weight=torch.stack(weight, dim=1),
            frames=tuple(blends[name].frames if name in blends else 0 for name in names),
        )

    def next_state(self) -> Float[Tensor, "b c *space"]:
        """What the fit says of the frame after the last one that was asked for."""
        return next(self.states)

    def mixed(
        self,
        own: Float[Tensor, "b c *space"],
        state: Float[Tensor, "b c *space"],
        frame: int = 1,
    ) -> Float[Tensor, "b c *space"]:
        """Average a frame, the model's own where the fit does not count or is not finite.

        Args:
            own: what the model says.
            state: what the fit says.
            frame: number of the predicted frame, from 1.
        """
        counts = torch.tensor([frame <= last for last in self.frames], device=own.device)
        counts = counts & state.isfinite().flatten(2).all(2)
        weight = _beside(torch.where(counts, self.weight, 0).to(own.dtype), own)
        return torch.where(weight > 0, own + weight * (state - own), own)

    def counts(self, frame: int) -> bool:
        """Whether a predicted frame, from 1, of any field is blended."""
        return frame <= max(self.frames)


def _beside(values: Shaped[Tensor, "..."], own: Float[Tensor, "b c *space"]) -> Tensor:
    """Give values of samples, or of samples and fields, the axes of a state."""
    return values.reshape(*values.shape, *[1] * (own.ndim - values.ndim))


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
