"""Base of models that read a whole history as channels of one grid."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import Grid
from matey_core.models._base import Part
from matey_core.models._sizes import SizedConfig
from matey_core.models._wrapper import Frame, WrappedConfig, WrappedModel
from matey_core.nn.field_table import FieldTable
from matey_core.nn.folded import FoldedHead, FoldedStem
from matey_core.nn.lead_time import LeadTime


class FoldedConfig(SizedConfig, WrappedConfig):
    """Settings of such a model: the length of its history."""

    frames: PositiveInt = 8
    """Number of frames of the longest history that the model can read."""


class FoldedModel(WrappedModel):
    """A network on the grid between a stem and a head that all such models have."""

    parts: ClassVar[Mapping[str, Part]] = {"stem": "stem", "head": "head", "table": "fields"}
    config: FoldedConfig

    def __init__(
        self,
        config: FoldedConfig,
        fields: Iterable[str],
        num_axes: Iterable[int],
        *,
        width: int,
        inner: int,
    ) -> None:
        """Make all but the network.

        Args:
            config: settings that build such a model.
            fields: names of the known fields.
            num_axes: known numbers of space axes.
            width: channels between stem and head.
            inner: length of the fields' vectors.

        Raises:
            ConfigError: settings that do not fit together.
        """
        config.check_wrapper()
        super().__init__(config, fields, num_axes)
        self.table = FieldTable(
            self.fields,
            channels=config.frames * config.channels,
            outputs=config.outputs,
            width=inner,
        )
        self.stem = FoldedStem(inner, width)
        self.head: nn.Module = FoldedHead(width, inner)
        self.lead_time = LeadTime(width)

    @property
    def given_width(self) -> int:
        """Channels of the stem's answer."""
        return self.stem.out.out_features

    @abstractmethod
    def process(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b d"], grid: Grid
    ) -> Float[Tensor, "b *space d"]:
        """Mix the points of the grid.

        Args:
            x: (b, *space, d) channels of every point.
            condition: (b, d) embedding of the lead time.
            grid: of the points.
        """

    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`; see `Model.forward`.

        Raises:
            ConfigError: the history is longer than the model reads, or the base refuses the batch.
        """
        self.check(batch)
        grid, leads = batch.spec.grid, batch.lead_steps.shape[1]
        history = batch.history.repeat_interleave(leads, dim=0)
        lead_steps = batch.lead_steps.flatten()
        amplitude = self.amplitude(batch)
        frame = Frame.of(history, lead_steps, grid, self.config, amplitude=amplitude)
        rows = self.table.rows(batch.spec.names)
        channels = frame.channels()
        x = self.stem(channels, self.table.entering(rows), grid)
        if self.given and (points := self.given.points(batch, repeats=leads)) is not None:
            x = x + points
        lead = self.lead_time(lead_steps, batch.spec.time_step)
        x = self.process(x, nn.functional.silu(lead), grid)
        values = frame.state(self.head(x, *self.table.leaving(rows)))
        return Prediction(
            spec=batch.spec, values=values.unflatten(0, (-1, leads)), lead_steps=batch.lead_steps
        )
