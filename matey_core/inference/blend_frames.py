"""How many frames of a rollout are blended: as long as the fit makes each of them better."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.forecasts import Blend
from matey_core.forecasts.local_linear import Fit
from matey_core.inference.blend import BlendedFrames
from matey_core.metrics import METRICS
from matey_core.models import Model

ENOUGH_FRAMES = 8
"""Frames that must all become better before the fit counts in all frames of a rollout."""


@torch.inference_mode()
def measure_frames(
    model: Model, batch: FieldBatch, blends: Mapping[str, Blend], *, fit: Fit | None = None
) -> dict[str, Blend]:
    """Choose in how many frames of a rollout the fit counts.

    The model feeds on blended frames. At each frame its own state is compared with the blended
    one; the first frame that the blend does not make better is the model's alone, and so are
    all that follow.

    Args:
        model: is put into evaluation mode meanwhile.
        batch: of one dataset, with targets at the lead times 1, 2, …
        blends: of this dataset's fields, as chosen for the first frame.
        fit: to the batch's history, where it is known already.

    Returns:
        The blends with the number of frames, which is the same for all fields.
    """
    was_training, before = model.training, model.blends
    model.eval()
    always = {name: replace(each, frames=math.inf) for name, each in blends.items()}
    model.blends = {batch.spec.dataset: always}
    try:
        blended = BlendedFrames.of(model, batch, fit)
        fields = [batch.spec.names.index(name) for name in blends]
        frames = _better_frames(model, batch, blended, fields) if blended else 1
    finally:
        model.train(was_training)
        model.blends = before
    return {name: replace(each, frames=float(frames)) for name, each in blends.items()}


def _better_frames(
    model: Model, batch: FieldBatch, blended: BlendedFrames, fields: list[int]
) -> float:
    """Number of frames that the fit makes better; infinite if that is all of enough."""
    assert batch.targets is not None
    last, history = batch.history[:, -1], batch.history
    lead_steps = torch.ones_like(batch.lead_steps[:, :1])
    valid = None if batch.valid is None else batch.valid[:, :1]
    for done, target in enumerate(batch.targets.unbind(1)):
        known = None if done else valid  # as in a rollout
        inputs = replace(batch, history=history, lead_steps=lead_steps, targets=None, valid=known)
        own = model(inputs).values[:, 0]
        state = blended.mixed(own, blended.next_state(), done + 1)
        # The first frame was chosen on more windows than these.
        if done and not _gain(own, state, target, valid, fields) > 0:
            return done
        if valid is not None:
            state = torch.where(valid[:, 0], state, last)
        history = torch.cat([history[:, 1:], state[:, None]], dim=1)
    return math.inf if batch.targets.shape[1] >= ENOUGH_FRAMES else batch.targets.shape[1]


def _gain(
    own: Float[Tensor, "b c *space"],
    state: Float[Tensor, "b c *space"],
    target: Float[Tensor, "b c *space"],
    valid: Bool[Tensor, "b 1 c *space"] | None,
    fields: list[int],
) -> float:
    """Log of the model's own error over the blended one's, mean over fields that have errors."""
    before, after = (
        METRICS["nrmse"](each[:, None], target[:, None], valid).nanmean((0, 1))[fields].log()
        for each in (own, state)
    )
    return float((before - after).nanmean())
