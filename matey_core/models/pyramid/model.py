"""A pyramid of convolutions for what is near, waves and adaptive tokens for what is far.

Features of every point see across the borders of cells: convolutions at full and half
resolution, and a few waves of the whole grid (arXiv 2010.08895). Tokens are cut from these
features instead of from fields, so that a cell knows its neighborhood before it speaks, and
write into them. All frames of the history are folded into channels, so that a cell is one token.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec
from matey_core.models._base import Part
from matey_core.models._wrapper import Frame
from matey_core.models.matey.model import MateyModel
from matey_core.models.matey.settings import MateySettings
from matey_core.models.pyramid.blocks import ConvBlock, Pyramid
from matey_core.models.pyramid.earlier import drop_idle
from matey_core.models.pyramid.settings import PyramidSettings
from matey_core.nn.field_table import FieldTable
from matey_core.nn.folded import FoldedHead, FoldedStem
from matey_core.nn.lead_time import LeadTime
from matey_core.nn.padding import crop, pad
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import Tree

FIRST_WORD = 0.02
"""Size of what tokens write into the features before they have learned anything."""


class PyramidModel(MateyModel):
    """Features of points, tokens that read and write them, increments out.

    Like its base it treats every sample by itself, knows fields by name, and chooses cells by
    the criterion on the normalized fields.
    """

    can_share_samples: ClassVar[bool] = False
    parts: ClassVar[Mapping[str, Part]] = {
        **MateyModel.parts,
        "stem": "stem",
        "reads": "stem",
        "pyramid": "head",  # all that follows the tokens
        "head": "head",
        "writes": "head",
    }
    config: PyramidSettings

    def __init__(
        self, config: PyramidSettings, fields: Iterable[str], num_axes: Iterable[int]
    ) -> None:
        channels = config.dimensions.channels
        super().__init__(config, fields, num_axes)
        self.stem = FoldedStem(2 * channels, channels)
        self.head = FoldedHead(channels, 2 * channels)
        self.lead_time = LeadTime(channels, within=config.time_steps)
        self.pyramid = Pyramid(config)
        for axes in self.num_axes:
            self.pyramid.add_axes(axes)
        nn.Module.register_load_state_dict_pre_hook(self, drop_idle)
        if config.has_tokens:
            self.reads = nn.Parameter(torch.randn(channels, self.inner))
            self.writes = nn.Parameter(FIRST_WORD * torch.randn(channels, self.inner))

    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`; see `Model.forward`."""
        self.check(batch)
        frame, lead_steps = self._frame(batch)
        tree = self._tree(frame) if self.config.has_tokens else None
        rows = self.table.rows(batch.spec.names)
        x = self.stem(frame.channels(), self.table.entering(rows), frame.grid)
        leads = batch.lead_steps.shape[1]
        if self.given and (points := self.given.points(batch, repeats=leads)) is not None:
            x = x + points
        lead = self.lead_time(lead_steps, batch.spec.time_step)
        context = self.pyramid.context(nn.functional.silu(lead), frame.grid)
        x = self.pyramid.before_tokens(x, context, recompute=self.recompute)
        if tree is not None:
            x = x + self._far(x, frame, tree, batch.spec, lead_steps)
        x = self.pyramid.after_tokens(x, context, recompute=self.recompute)
        values = frame.state(self.head(x, *self.table.leaving(rows)), is_padded=False)
        side = None if tree is None else self._side_loss(values, frame, tree, batch)
        return self._prediction(values, batch, side)

    def count_tokens(self, batch: FieldBatch) -> Int[Tensor, " b"]:
        """Count the tokens each sample is cut into: none without blocks of tokens."""
        if self.config.has_tokens:
            return super().count_tokens(batch)
        self.check(batch)
        return torch.zeros_like(batch.lead_steps[:, 0])

    def share_samples(self, group: SequenceGroup) -> None:
        """Refuse: convolutions need a sample's neighborhood, which other processes would have.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            "The pyramid variant cannot share a sample among processes: its convolutions see "
            "across the borders of tokens.",
            remedy="Leave --sequence-parallel out, or train the variant matey.",
        )

    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Learn new fields and numbers of axes, keeping every old weight and prediction."""
        new = sorted(set(num_axes) - set(self.num_axes))
        super().extend(fields=fields, num_axes=num_axes)
        for axes in new:
            self.pyramid.add_axes(axes)

    def compiled_parts(self) -> Iterator[nn.Module]:
        """Blocks of the pyramid, and those of the base."""
        yield from super().compiled_parts()
        yield from (part for part in self.modules() if isinstance(part, ConvBlock))

    def part_of(self, parameter: str) -> Part:
        """Say which part a parameter, by its name in `named_parameters`, belongs to."""
        if parameter.startswith("pyramid.down."):
            return "stem"
        return super().part_of(parameter)

    @property
    def given_width(self) -> int:
        """Channels of a point."""
        return self.config.dimensions.channels

    def _make_table(self, config: MateySettings) -> FieldTable:
        assert isinstance(config, PyramidSettings)
        return FieldTable(
            self.fields,
            channels=config.frames * config.channels,
            outputs=config.outputs,
            width=2 * config.dimensions.channels,
        )

    def _far(
        self,
        x: Float[Tensor, "b *space d"],
        frame: Frame,
        tree: Tree,
        spec: FieldSpec,
        lead_steps: Int[Tensor, " b"],
    ) -> Float[Tensor, "b *space d"]:
        """What tokens say of every point."""
        features = x.movedim(-1, 1).unsqueeze(1)
        padded = pad(features, tree.patches[0], periodic=frame.grid.periodic, shift=frame.shift)
        words = self.exchange(
            padded,
            tree,
            spec,
            entering=self.reads,
            leaving=(self.writes, self.writes.new_zeros(len(self.writes))),
            lead_steps=lead_steps,
        )
        said = crop(words.unsqueeze(1), frame.grid.shape, frame.shift)
        return said.squeeze(1).movedim(1, -1)
