"""Wrapper between physical fields and a network: normalization, increments, trend.

All models that want it share this wrapper. A network on the grid needs three lines of it:

    frame = Frame.of(history, lead_steps, batch.spec.grid, self.config)
    output = self.network(frame.channels())     # (b, t, k, *space) → (b, m, *space)
    values = frame.state(output)                # (b, c, *space) in physical units

`config.channels` and `config.outputs` say how many numbers a field has on either side; the order
is channel-major, as `nn.field_table.FieldTable` has it.
"""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models._base import Model, ModelConfig
from matey_core.nn.field_table import FieldTable
from matey_core.nn.padding import crop, pad
from matey_core.nn.scale import Scale
from matey_core.nn.shift import Shift

SMALLEST_CHANGE = 1e-3
"""Changes are scaled as if they were at least this fraction of the field's spread; nor are they
scaled as less than what rounding may amount to."""


class WrappedConfig(ModelConfig):
    """Settings of a model that reads normalized fields and predicts their changes."""

    increment: bool = True
    """Predict the change since the last frame instead of the state itself."""
    innovation: bool = True
    """Give the stem each frame's change since the frame before, and scale increments by it."""
    trend: bool = True
    """Add a multiple of each field's last change to the prediction, which the head chooses point by
    point; initially 1. Needs `increment` and `innovation`."""
    blend: bool = False
    """Average the first predicted frames with a local linear fit to the history. Validation data
    choose the weights and the number of frames; all that follow are the model's alone."""

    @property
    def channels(self) -> int:
        """What a network reads of each field at a point and time."""
        return 2 if self.innovation else 1

    @property
    def outputs(self) -> int:
        """What a network gives of each field at a point: the answer and, with `trend`, a weight."""
        return 2 if self.trend else 1

    def check_wrapper(self) -> None:
        """Refuse settings that do not fit together.

        Raises:
            ConfigError: says what `trend` needs.
        """
        if self.trend and not (self.increment and self.innovation):
            raise ConfigError(
                "model.trend weighs the last change of each field, and needs model.increment and "
                "model.innovation.",
                remedy="Set model.trend=false as well.",
            )


def has_blend(config: ModelConfig) -> bool:
    """Whether a model's first frames shall be blended."""
    return isinstance(config, WrappedConfig) and config.blend


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A normalized history with the scales that lead back to physical units."""

    grid: Grid
    scale: Scale
    values: Float[Tensor, "b t c *space"]
    """Normalized history."""
    change: Float[Tensor, "b 1 c *ones"]
    """Typical change between frames, in normalized units."""
    reach: Float[Tensor, "b 1 c *ones"]
    """What the model's output is multiplied by."""
    config: WrappedConfig
    """Says whether changes are shown and predicted, and go on."""
    shift: Shift | None
    """How far the cells begin before the first point."""

    @classmethod
    def of(
        cls,
        history: Float[Tensor, "b t c *space"],
        lead_steps: Int[Tensor, " b"],
        grid: Grid,
        config: WrappedConfig,
        shift: Shift | None = None,
        amplitude: Float[Tensor, " b"] | None = None,
    ) -> "Frame":
        """Normalize a history.

        Args:
            history: (b, t, c, *space) in physical units.
            lead_steps: (b,) frames ahead; longer leads reach further.
            grid: its grid.
            config: says whether to predict increments and to show changes.
            shift: how far the cells begin before the first point.
            amplitude: (b,) what fields that are zero so far are multiplied by.
        """
        scale = Scale.of(history)
        values = scale.normalize(history)
        space = tuple(range(3, values.ndim))
        change = torch.ones_like(values[:, :1].mean(space, keepdim=True))
        if history.shape[1] > 1:
            steps = values[:, -1:] - values[:, -2:-1]
            smallest = scale.rounding.clamp(min=SMALLEST_CHANGE).view(change.shape)
            change = torch.maximum(steps.square().mean(space, keepdim=True).sqrt(), smallest)
        reach = torch.ones_like(change)
        if config.innovation and config.increment:
            reach = change * lead_steps.view(-1, *(1,) * (values.ndim - 1))
        if amplitude is not None:
            is_zero = (scale.is_flat & (scale.mean == 0)).view(change.shape)
            sizes = amplitude.view(-1, *(1,) * (values.ndim - 1))
            reach = torch.where(is_zero, reach * sizes, reach)
        return cls(
            grid=grid,
            scale=scale,
            values=values,
            change=change,
            reach=reach,
            config=config,
            shift=shift,
        )

    def channels(self, patch: tuple[int, ...] | None = None) -> Float[Tensor, "b t k *padded"]:
        """What a network reads: every field and, with innovation, its change.

        Args:
            patch: points per axis of the coarsest cell, to a multiple of which the grid is
                padded; without it, and without a shift, the grid stays as it is.
        """
        values = self.values
        if self.config.innovation:
            values = torch.cat([values, self._changes(values)], dim=2)
        if patch is None:
            return values
        return pad(values, patch, periodic=self.grid.periodic, shift=self.shift)

    def state(
        self, output: Float[Tensor, "b k *padded"], *, is_padded: bool = True
    ) -> Float[Tensor, "b c *space"]:
        """Turn the model's output into a state in physical units.

        Args:
            output: (b, k, *padded) one number a field and, with `trend`, as many weights
                of the fields' last changes.
            is_padded: whether the output is on whole cells, instead of on the grid's own points.
        """
        answer = output.unsqueeze(1)
        if is_padded:
            answer = crop(answer, self.grid.shape, self.shift)
        if self.config.trend:
            answer, weight = answer.chunk(2, dim=2)
            answer = answer + weight * self._changes(self.values[:, -2:])[:, -1:]
        answer = answer * self.reach
        if self.config.increment:
            answer = answer + self.values[:, -1:]
        return self.scale.restore(answer).squeeze(1)

    def _changes(self, values: Float[Tensor, "b t c *space"]) -> Float[Tensor, "b t c *space"]:
        """Changes since the frame before, in units of the typical one.

        The first frame is given the second one's change; a single frame has none.
        """
        if values.shape[1] == 1:
            return torch.zeros_like(values)
        steps = values.diff(dim=1) / self.change
        return torch.cat([steps[:, :1], steps], dim=1)


class WrappedModel(Model):
    """A model with a table of fields, and weights for each number of axes."""

    table: FieldTable

    @abstractmethod
    def add_axes(self, axes: int) -> None:
        """Add the weights for grids of this number of axes."""

    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Learn new fields and numbers of axes, keeping every old weight and prediction."""
        self.table.append(fields)
        self.fields = self.table.names
        for axes in sorted(set(num_axes) - set(self.num_axes)):
            self.add_axes(axes)
        self.num_axes = tuple(sorted({*self.num_axes, *num_axes}))
