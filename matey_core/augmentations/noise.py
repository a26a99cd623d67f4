"""White noise on the history, so that a model withstands its own errors in a rollout."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from pydantic import NonNegativeFloat

from matey_core.augmentations import AUGMENTATIONS, AugmentationConfig
from matey_core.batches import FieldBatch
from matey_core.rounding import power_of_two


@AUGMENTATIONS.register("noise")
class NoiseConfig(AugmentationConfig):
    """White noise on the history."""

    name: Literal["noise"] = "noise"
    strength: NonNegativeFloat = 0.3
    """Largest amplitude of the noise, as a fraction of each field's last change between frames."""

    def build(self) -> "Noise":
        """Make the augmentation."""
        return Noise(self.strength)


class Noise:
    """x + a·δ·ε with ε normal and a uniform between 0 and `strength`.

    δ is the root mean square over space of a field's last change from frame to frame,
    so that noise stays in proportion to what is to be predicted. Targets are left alone,
    and so are cells of which no target is known, as solid ones.
    """

    def __init__(self, strength: float) -> None:
        """Set the largest a."""
        self.strength = strength

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Add noise to every frame of the history; a history of one frame is left alone."""
        history = batch.history
        if self.strength == 0 or history.shape[1] < 2:
            return batch
        space = tuple(range(3, history.ndim))
        last = history[:, -1:] - history[:, -2:-1]
        unit = power_of_two(last.abs().amax(space, keepdim=True))
        change = unit * (last / unit).square().mean(space, keepdim=True).sqrt()
        noise = torch.empty_like(history)
        for sample, seed in zip(noise, seeds, strict=True):
            generator = torch.Generator().manual_seed(seed)
            amount = self.strength * torch.rand(1, generator=generator)
            sample.copy_(amount * torch.randn(sample.shape, generator=generator))
        if batch.valid is not None:
            change = change * batch.valid.any(1, keepdim=True)
        return replace(batch, history=history + change * noise)
