"""Base of models that cut every frame of a history into equal patches, each one token."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import ShapeError
from matey_core.fields import Grid
from matey_core.models._base import Part
from matey_core.models._sizes import SizedConfig
from matey_core.models._wrapper import Frame, WrappedConfig, WrappedModel
from matey_core.nn.field_table import FieldTable
from matey_core.nn.grid_encoding import GridEncoding
from matey_core.nn.lead_time import LeadTime
from matey_core.nn.padding import pad
from matey_core.nn.patches import PatchHead, PatchStem


class PatchedConfig(SizedConfig, WrappedConfig):
    """Settings of such a model: the size of its patches."""

    patch: PositiveInt = 8
    """Points of a patch along each axis. A grid that patches do not divide is continued."""


class PatchedModel(WrappedModel):
    """A network on the tokens of all frames, between a stem and a head in stages."""

    parts: ClassVar[Mapping[str, Part]] = {
        "stem": "stem",
        "places": "stem",
        "head": "head",
        "table": "fields",
    }
    config: PatchedConfig
    stem: PatchStem
    head: PatchHead

    def __init__(
        self,
        config: PatchedConfig,
        fields: Iterable[str],
        num_axes: Iterable[int],
        *,
        stem: PatchStem,
        head: PatchHead,
    ) -> None:
        """Make all but the network.

        Args:
            config: settings that build such a model.
            fields: names of the known fields.
            num_axes: known numbers of space axes.
            stem: from points, with as many channels as the head ends with, to tokens.
            head: from tokens to points.

        Raises:
            ConfigError: settings that do not fit together.
        """
        config.check_wrapper()
        super().__init__(config, fields, num_axes)
        width = stem.widths[-1]
        self.table = FieldTable(
            self.fields, channels=config.channels, outputs=config.outputs, width=stem.widths[0]
        )
        self.stem, self.head = stem, head
        self.places = GridEncoding(width)
        self.lead_time = LeadTime(width)
        for axes in self.num_axes:
            self.add_axes(axes)

    @property
    def given_width(self) -> int:
        """Channels of a point before the stem."""
        return self.stem.widths[0]

    @abstractmethod
    def process(
        self,
        tokens: Float[Tensor, "b t *tokens d"],
        lead: Float[Tensor, "b *ones d"],
        periodic: tuple[bool, ...],
    ) -> Float[Tensor, "b *tokens d"]:
        """Mix tokens and frames.

        Args:
            tokens: (b, t, *tokens, d) of every frame, the newest last.
            lead: (b, *ones, d) embedding of the lead time, for the tokens of one frame.
            periodic: whether each axis wraps around, with the patches that continue it.
        """

    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`; see `Model.forward`.

        Raises:
            ShapeError: the grid is smaller than a patch.
        """
        self.check(batch)
        grid, leads, patch = batch.spec.grid, batch.lead_steps.shape[1], self.config.patch
        check_patch(patch, grid)
        history = batch.history.repeat_interleave(leads, dim=0)
        lead_steps = batch.lead_steps.flatten()
        amplitude = self.amplitude(batch)
        frame = Frame.of(history, lead_steps, grid, self.config, amplitude=amplitude)
        rows = self.table.rows(batch.spec.names)
        sides = (patch,) * grid.num_axes
        channels = frame.channels(sides).movedim(2, -1)
        points = channels @ (self.table.entering(rows) / channels.shape[-1] ** 0.5)
        if self.given and (given := self.given.points(batch, repeats=leads)) is not None:
            given = pad(given.movedim(-1, 1).unsqueeze(1), sides, periodic=grid.periodic)
            points = points + given.movedim(2, -1)
        tokens = self.stem(points.flatten(0, 1))
        tokens = tokens + self.places(replace(grid, shape=tuple(tokens.shape[1:-1])))
        tokens = tokens.unflatten(0, (-1, batch.history.shape[1]))
        lead = self.lead_time(lead_steps, batch.spec.time_step)
        lead = lead.view(len(lead), *(1,) * grid.num_axes, -1)
        # A seam that a patch does not meet is no neighborhood that all tokens have.
        whole = (n % patch == 0 for n in grid.shape)
        periodic = tuple(a and b for a, b in zip(grid.periodic, whole, strict=True))
        mixed = self.head(self.process(tokens, lead, periodic))
        leave, bias = self.table.leaving(rows)
        output = (nn.functional.gelu(mixed) @ leave.T + bias).float().movedim(-1, 1)
        values = frame.state(output).unflatten(0, (-1, leads))
        return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)

    def add_axes(self, axes: int) -> None:
        """Add stem and head for grids of this number of axes."""
        for part in (self.stem, self.head):
            part.add_axes(axes)
            part.to(self.table.enter.device)


def check_patch(patch: int, grid: Grid) -> None:
    """Refuse a grid that has no room for a patch.

    Raises:
        ShapeError: it is smaller along an axis.
    """
    if min(grid.shape) < patch:
        raise ShapeError(
            f"A patch of {patch} points does not fit a grid of "
            f"{'×'.join(map(str, grid.shape))} points.",
            remedy=f"Train a model with model.patch={min(grid.shape)} or less.",
        )
