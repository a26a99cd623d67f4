"""A model that feeds on its own predictions."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.inference.blend import BlendedFrames
from matey_core.inference.limit import Limiter
from matey_core.inference.variation import Variation
from matey_core.models import Model

UNCHANGED = Variation()
"""Every call takes the model's own settings."""


@torch.inference_mode()
def rollout(
    model: Model,
    batch: FieldBatch,
    *,
    steps: int,
    stride: int = 1,
    missing: Bool[Tensor, "b c *space"] | None = None,
    variation: Variation = UNCHANGED,
    limiter: Limiter | None = None,
) -> Iterator[Float[Tensor, "b c *space"]]:
    """Predict `steps` stored frames one after another, from the history alone.

    Each call of the model predicts the next `stride` frames at once, at lead times
    1 … `stride`. They are appended to the history and the oldest frames dropped, so
    that the history always consists of consecutive stored frames, as in training.
    Missing cells stay missing: the model is shown what the start holds in their place.
    The model is in evaluation mode until the generator ends or is closed.

    Args:
        model: predicts the lead times 1 … `stride`.
        batch: its history is the start; its lead times and targets are not used.
        steps: number of frames to predict, at least 1.
        stride: frames between two calls of the model.
        missing: (b, c, *space) cells that are solid or not known in the last frame of the
            history, which `fill_missing` tells; None if all are known.
        variation: how cells differ from call to call.
        limiter: keeps states within what training data showed; made for this rollout.

    Raises:
        ConfigError: the model cannot vary its cells so.

    Yields:
        (b, c, *space) the state one stored frame later than the one before, in physical
        units; NaN where missing.
    """
    was_training = model.training
    model.eval()
    history = batch.history
    blended: BlendedFrames | None = None
    try:
        for call, done in enumerate(range(0, steps, stride)):
            leads = torch.arange(1, min(stride, steps - done) + 1, device=history.device)
            inputs = replace(
                batch,
                history=history,
                lead_steps=leads.expand(batch.size, -1),
                targets=None,
                valid=None if call or missing is None else _known(missing, len(leads)),
            )
            with variation.at(call, model, batch.spec.grid):
                states = model(inputs).values
                if not call:
                    blended = BlendedFrames.of(model, inputs)
                if blended is not None:
                    states = _blend(states, blended, done)
            if limiter is not None:
                states = limiter(states, history[:, -1])
            if missing is None:
                yield from states.unbind(1)
            else:
                yield from states.masked_fill(missing[:, None], torch.nan).unbind(1)
                states = torch.where(missing[:, None], batch.history[:, -1:], states)
            history = torch.cat([history, states], dim=1)[:, -history.shape[1] :]
    finally:
        model.train(was_training)


def _blend(
    states: Float[Tensor, "b l c *space"], blended: BlendedFrames, done: int
) -> Float[Tensor, "b l c *space"]:
    """Blend what follows the `done` frames before, as far as the fit counts."""
    if not blended.counts(done + 1):
        return states
    frames = [
        blended.mixed(own, blended.next_state(), frame) if blended.counts(frame) else own
        for frame, own in enumerate(states.unbind(1), start=done + 1)
    ]
    return torch.stack(frames, dim=1)


def _known(missing: Bool[Tensor, "b c *space"], leads: int) -> Bool[Tensor, "b l c *space"]:
    return ~missing[:, None].expand(-1, leads, *missing.shape[1:])
