"""From physical fields to what the stem sees, and from its answer to a physical state."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.fields import Grid
from matey_core.models._base import ModelConfig
from matey_core.nn.padding import crop, pad
from matey_core.nn.scale import Scale

SMALLEST_CHANGE = 1e-3
"""Changes are scaled as if they were at least this fraction of the field's spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A normalized history with the scales that lead back to physical units."""

    grid: Grid
    scale: Scale
    values: Float[Tensor, "b t c *space"]
    """Normalized history."""
    change: Float[Tensor, "b 1 c *ones"] | None
    """Typical change between frames, in normalized units; None without innovation."""
    reach: Float[Tensor, "b 1 c *ones"]
    """What the model's output is multiplied by."""
    is_increment: bool

    @classmethod
    def of(
        cls,
        history: Float[Tensor, "b t c *space"],
        lead_steps: Int[Tensor, " b"],
        grid: Grid,
        config: ModelConfig,
    ) -> "Frame":
        """Normalize a history.

        Args:
            history: (b, t, c, *space) in physical units.
            lead_steps: (b,) frames ahead; longer leads reach further.
            grid: its grid.
            config: says whether to predict increments and to show changes.
        """
        scale = Scale.of(history)
        values = scale.normalize(history)
        ones = (1,) * grid.num_axes
        change = reach = None
        if config.innovation and history.shape[1] > 1:
            space = tuple(range(3, values.ndim))
            last = (values[:, -1:] - values[:, -2:-1]).square().mean(space, keepdim=True).sqrt()
            change = last.clamp(min=SMALLEST_CHANGE).detach()
            if config.increment:
                reach = change * lead_steps.view(-1, 1, 1, *ones)
        if reach is None:
            reach = torch.ones(1, device=history.device).view(1, 1, 1, *ones)
        return cls(
            grid=grid,
            scale=scale,
            values=values,
            change=change,
            reach=reach,
            is_increment=config.increment,
        )

    def channels(self, patch: tuple[int, ...]) -> Float[Tensor, "b t k *padded"]:
        """What the stem reads: every field and, with innovation, its change, padded.

        Args:
            patch: points per axis of the coarsest cell.
        """
        values = self.values
        if self.change is not None:
            steps = values.diff(dim=1) / self.change
            values = torch.cat([values, torch.cat([steps[:, :1], steps], dim=1)], dim=2)
        return pad(values, patch, periodic=self.grid.periodic)

    def state(self, output: Float[Tensor, "b c *padded"]) -> Float[Tensor, "b c *space"]:
        """Turn the model's output into a state in physical units."""
        answer = crop(output.unsqueeze(1), self.grid.shape) * self.reach
        if self.is_increment:
            answer = answer + self.values[:, -1:]
        return self.scale.restore(answer).squeeze(1)
