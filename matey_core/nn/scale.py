"""Per-sample normalization of fields over time and space, and the way back."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from matey_core.rounding import ROUNDING, power_of_two


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Mean and standard deviation of every field of every sample.

    No gradient passes through them. A field whose spread is no more than what float32
    makes of a constant is flat: it is normalized to zero, and keeps a positive spread
    relative to its own magnitude, so that units never matter. A field that is zero
    everywhere has spread 1.
    """

    mean: Float[Tensor, "b c"]
    std: Float[Tensor, "b c"]
    is_flat: Bool[Tensor, "b c"]

    @classmethod
    @torch.no_grad()
    def of(cls, history: Float[Tensor, "b t c *space"]) -> "Scale":
        """Measure a history.

        Args:
            history: (b, t, c, *space) fields in physical units.
        """
        axes = (1, *range(3, history.ndim))
        values = history.float()
        unit = power_of_two(values.abs().amax(axes))
        values = values / _channelwise(unit, values)
        mean = values.mean(axes)
        centred = values - _channelwise(mean, values)
        # A sum of many large values rounds, one of differences does not.
        mean = mean + centred.mean(axes)
        std = values.sub_(_channelwise(mean, values)).square_().mean(axes).sqrt()
        magnitude = (mean.square() + std.square()).sqrt()
        floor = torch.where(magnitude > 0, ROUNDING * magnitude, 1.0 / unit)
        return cls(
            mean=mean * unit,
            std=torch.maximum(std, floor) * unit,
            is_flat=std <= ROUNDING * magnitude,
        )

    @property
    def rounding(self) -> Float[Tensor, "b c"]:
        """What float32 noise may amount to in normalized units; a flat field has none left."""
        noise = ROUNDING * torch.hypot(self.mean, self.std) / self.std
        return noise.masked_fill(self.is_flat, 0.0)

    def normalize(self, fields: Float[Tensor, "b l c *space"]) -> Float[Tensor, "b l c *space"]:
        """(x − mean) / std, in float32; 0 for a flat field."""
        normal = fields.float() - _channelwise(self.mean, fields)
        # In place, because copies cost more than sums; x / ∞ is 0, without a mask as large as x.
        return normal.div_(_channelwise(self.std.masked_fill(self.is_flat, torch.inf), fields))

    def restore(self, fields: Float[Tensor, "b l c *space"]) -> Float[Tensor, "b l c *space"]:
        """X · std + mean."""
        return fields * _channelwise(self.std, fields) + _channelwise(self.mean, fields)


def _channelwise(values: Shaped[Tensor, "b c"], like: Tensor) -> Tensor:
    """Shape (b, c) as (b, 1, c, 1, …) so that it applies to every frame and point."""
    return values.reshape(values.shape[0], 1, values.shape[1], *(1,) * (like.ndim - 3))
