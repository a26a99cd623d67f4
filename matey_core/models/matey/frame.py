"""From physical fields to what the stem sees, and from its answer to a physical state."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.fields import Grid
from matey_core.models._base import ModelConfig
from matey_core.nn.padding import crop, pad
from matey_core.nn.scale import Scale
from matey_core.nn.shift import Shift

SMALLEST_CHANGE = 1e-3
"""Changes are scaled as if they were at least this fraction of the field's spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A normalized history with the scales that lead back to physical units."""

    grid: Grid
    scale: Scale
    values: Float[Tensor, "b t c *space"]
    """Normalized history."""
    change: Float[Tensor, "b 1 c *ones"]
    """Typical change between frames, in normalized units."""
    has_changes: bool
    """Whether the stem is shown changes."""
    reach: Float[Tensor, "b 1 c *ones"]
    """What the model's output is multiplied by."""
    is_increment: bool
    has_trend: bool
    shift: Shift | None
    """How far the cells begin before the first point."""

    @classmethod
    def of(
        cls,
        history: Float[Tensor, "b t c *space"],
        lead_steps: Int[Tensor, " b"],
        grid: Grid,
        config: ModelConfig,
        shift: Shift | None = None,
    ) -> "Frame":
        """Normalize a history.

        Args:
            history: (b, t, c, *space) in physical units.
            lead_steps: (b,) frames ahead; longer leads reach further.
            grid: its grid.
            config: says whether to predict increments and to show changes.
            shift: how far the cells begin before the first point.
        """
        scale = Scale.of(history)
        values = scale.normalize(history)
        space = tuple(range(3, values.ndim))
        change = torch.ones_like(values[:, :1].mean(space, keepdim=True))
        if history.shape[1] > 1:
            steps = values[:, -1:] - values[:, -2:-1]
            change = steps.square().mean(space, keepdim=True).sqrt().clamp(min=SMALLEST_CHANGE)
        reach = torch.ones_like(change)
        if config.innovation and config.increment:
            reach = change * lead_steps.view(-1, *(1,) * (values.ndim - 1))
        return cls(
            grid=grid,
            scale=scale,
            values=values,
            change=change,
            has_changes=config.innovation,
            reach=reach,
            is_increment=config.increment,
            has_trend=config.trend,
            shift=shift,
        )

    def channels(self, patch: tuple[int, ...]) -> Float[Tensor, "b t k *padded"]:
        """What the stem reads: every field and, with innovation, its change, padded.

        Args:
            patch: points per axis of the coarsest cell.
        """
        values = self.values
        if self.has_changes:
            values = torch.cat([values, self._changes()], dim=2)
        return pad(values, patch, periodic=self.grid.periodic, shift=self.shift)

    def state(self, output: Float[Tensor, "b k *padded"]) -> Float[Tensor, "b c *space"]:
        """Turn the model's output into a state in physical units.

        Args:
            output: (b, k, *padded) one number a field and, with `trend`, as many weights
                of the fields' last changes.
        """
        answer = crop(output.unsqueeze(1), self.grid.shape, self.shift)
        if self.has_trend:
            answer, weight = answer.chunk(2, dim=2)
            answer = answer + weight * self._changes()[:, -1:]
        answer = answer * self.reach
        if self.is_increment:
            answer = answer + self.values[:, -1:]
        return self.scale.restore(answer).squeeze(1)

    def _changes(self) -> Float[Tensor, "b t c *space"]:
        """Changes since the frame before, in units of the typical one.

        The first frame is given the second one's change; a single frame has none.
        """
        if self.values.shape[1] == 1:
            return torch.zeros_like(self.values)
        steps = self.values.diff(dim=1) / self.change
        return torch.cat([steps[:, :1], steps], dim=1)
