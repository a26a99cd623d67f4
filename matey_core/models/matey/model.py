"""MATEY without the published faults: local norms, increments, lead time in every block."""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.attention import Block
from matey_core.batches import FieldBatch, Prediction
from matey_core.criteria import Estimate, parts_of
from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec
from matey_core.models._adaptive import AdaptiveModel
from matey_core.models._base import Part
from matey_core.models._compiled import as_written
from matey_core.models._cost import Inputs
from matey_core.models._wrapper import Frame
from matey_core.models.matey.error_head import SPARED, ErrorHead, side_loss
from matey_core.models.matey.processor import Processor, check_scheme, check_shared
from matey_core.models.matey.settings import MateySettings
from matey_core.nn.field_table import FieldTable
from matey_core.nn.padding import pad
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import TOKENIZERS, Pass, TokenizerConfig, Tree, num_tokens
from matey_core.tokenizers._deal import deal
from matey_core.tokenizers._grow import grow_normalized
from matey_core.tokenizers._layout import Layout, gather, lay_out, scatter
from matey_core.tokenizers._patches import Channels, Details, Head, Stem
from matey_core.tokens import TokenBatch


class MateyModel(AdaptiveModel):
    """Adaptive tokens in, increments out; see docs/ideas and docs/decisions.

    Everything between the fields and the increment is local to a token or mediated
    by attention inside a sample, so a sample's prediction never depends on its batch,
    and fine stems and heads run on fine cells only.
    """

    can_recompute: ClassVar[bool] = True
    can_shift: ClassVar[bool] = True
    can_share_samples: ClassVar[bool] = True
    parts: ClassVar[Mapping[str, Part]] = {
        "stems": "stem",
        "heads": "head",
        "error_head": "head",
        "table": "fields",
    }
    config: MateySettings

    def __init__(
        self, config: MateySettings, fields: Iterable[str], num_axes: Iterable[int]
    ) -> None:
        super().__init__(config, fields, num_axes)
        self.inner = config.sizes.width // 4
        self.table = self._make_table(config)
        self.stems = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        if config.has_tokens:
            self.processor = Processor(config)
        for axes in self.num_axes:
            self._add_patches(axes)
        is_learned = config.has_tokens and _learns(config.tokenizer)
        self.error_head = ErrorHead() if is_learned else None  # last: draws nothing of the others

    def _make_table(self, config: MateySettings) -> FieldTable:
        return FieldTable(
            self.fields, channels=config.channels, outputs=config.outputs, width=self.inner
        )

    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`; see `Model.forward`."""
        self.check(batch)
        frame, lead_steps = self._frame(batch)
        tree = self._tree(frame)
        rows = self.table.rows(batch.spec.names)
        patch = tree.patches[0]
        output = self.exchange(
            frame.channels(patch),
            tree,
            batch.spec,
            entering=self.table.entering(rows),
            leaving=self.table.leaving(rows),
            lead_steps=lead_steps,
            given=self._given(batch, patch),
        )
        values = frame.state(output)
        return self._prediction(values, batch, self._side_loss(values, frame, tree, batch))

    def exchange(
        self,
        channels: Float[Tensor, "b t k *padded"],
        tree: Tree,
        spec: FieldSpec,
        *,
        entering: Float[Tensor, "k w"],
        leaving: tuple[Float[Tensor, "o w"], Float[Tensor, " o"]],
        lead_steps: Int[Tensor, " b"],
        given: Channels | None = None,
    ) -> Float[Tensor, "b o *padded"]:
        """Cut channels into cells, let their tokens exchange, and write what they say.

        Args:
            channels: (b, t, k, *padded) of every frame, on whole cells of the coarsest level.
            tree: which cells.
            spec: grid and time step.
            entering: (k, w) vectors that carry the channels into a stem.
            leaving: (o, w) vectors that read the heads, and (o,) offsets.
            lead_steps: (b,) frames ahead.
            given: further channels, the same for all frames, and their vectors.
        """
        with as_written(unless=tree.has_known_counts):  # shapes that change compile anew each time
            outputs = [
                self._run(cells, tree, spec, channels, entering, leaving, lead_steps, given)
                for cells in TOKENIZERS[self.tokenizing.name](tree)
            ]
        output = torch.stack(outputs).sum(0) if len(outputs) > 1 else outputs[0]
        return output if self.sequence is None else self.sequence.sum(output)

    def _prediction(
        self, values: Float[Tensor, "b c *space"], batch: FieldBatch, side: Tensor | None
    ) -> Prediction:
        """States of all (sample, lead) pairs, and what is minimized beside their error."""
        return Prediction(
            spec=batch.spec,
            values=values.unflatten(0, (-1, batch.lead_steps.shape[1])),
            lead_steps=batch.lead_steps,
            side_loss=side,
        )

    def _side_loss(
        self, values: Float[Tensor, "b c *space"], frame: Frame, tree: Tree, batch: FieldBatch
    ) -> Tensor | None:
        """What the error head learns from a prediction, where it learns."""
        if self.error_head is None or not self._is_learning or batch.targets is None:
            return None
        side = side_loss(self.error_head, frame, tree, batch, values)
        return side if self.sequence is None else self.sequence.share_gradient(side)

    @property
    def estimate(self) -> Estimate | None:
        """What the model has learned about its own errors, for the criterion `learned`."""
        return self.error_head

    def count_tokens(self, batch: FieldBatch) -> Int[Tensor, " b"]:
        """Count the tokens a frame of each sample is cut into."""
        self.check(batch)
        lead_steps = batch.lead_steps[:, 0]
        frame = Frame.of(batch.history, lead_steps, batch.spec.grid, self.config, self.shift)
        return num_tokens(TOKENIZERS[self.tokenizing.name](self._tree(frame)))

    def check_tokenizer(self, tokenizer: TokenizerConfig) -> None:
        """Refuse settings that the model's weights or its scheme do not allow."""
        super().check_tokenizer(tokenizer)
        if _learns(tokenizer) and self.error_head is None:
            raise ConfigError(
                "The criterion 'learned' needs a head that this model was not built with.",
                remedy="Train a model with model.tokenizer.criterion=learned, or choose another.",
            )
        check_scheme(self.config.with_tokenizer(tokenizer))

    def retokenize(self, tokenizer: TokenizerConfig) -> None:
        """Cut fields as `tokenizer` says from now on, also where the model is saved.

        What the model has learned about its own errors is dropped where no criterion asks for it.
        """
        super().retokenize(tokenizer)
        if not _learns(tokenizer):
            self.error_head = None

    def share_samples(self, group: SequenceGroup) -> None:
        """Hold only this process' part of every sample's tokens from now on; see the base."""
        check_shared(self.config, group.size)
        self.sequence = group

    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Learn new fields and numbers of axes, keeping every old weight and prediction."""
        self.table.append(fields)
        self.fields = self.table.names
        for axes in sorted(set(num_axes) - set(self.num_axes)):
            self._add_patches(axes)
            self.num_axes = tuple(sorted((*self.num_axes, axes)))

    def compiled_parts(self) -> Iterator[nn.Module]:
        """Stems, blocks and heads: one compilation of each kind serves all."""
        return (part for part in self.modules() if isinstance(part, (Block, Stem, Head)))

    def flops(self, inputs: Inputs) -> int | None:
        """Operations of a sample, forward, where the number of cells is fixed."""
        tokenizer = self.config.tokenizer
        is_fixed = tokenizer.name == "uniform" or tokenizer.has_number
        return self.config.cost(inputs).flops if is_fixed else None

    def _frame(self, batch: FieldBatch) -> tuple[Frame, Int[Tensor, " bl"]]:
        """Normalized histories of all (sample, lead) pairs, and their leads."""
        history = batch.history.repeat_interleave(batch.lead_steps.shape[1], dim=0)
        lead_steps = batch.lead_steps.flatten()
        frame = Frame.of(
            history,
            lead_steps,
            batch.spec.grid,
            self.config,
            self.shift,
            amplitude=self.amplitude(batch),
        )
        return frame, lead_steps

    @property
    def given_width(self) -> int:
        """Length of a channel's vector."""
        return self.inner

    def _given(self, batch: FieldBatch, patch: tuple[int, ...]) -> Channels | None:
        """What the model is given beside the history, for every (sample, lead) pair."""
        found = self.given.channels(batch) if self.given else None
        if found is None:
            return None
        leads, periodic = batch.lead_steps.shape[1], batch.spec.grid.periodic
        channels = found[0].unsqueeze(1).repeat_interleave(leads, dim=0)
        return pad(channels, patch, periodic=periodic, shift=self.shift), found[1]

    @property
    def _is_learning(self) -> bool:
        """Whether the head of errors chooses the cells, and is trained."""
        return self.training and _learns(self.tokenizing)

    def _tree(self, frame: Frame) -> Tree:
        return grow_normalized(
            self.tokenizing,
            frame.values,
            std=frame.scale.std,
            periodic=frame.grid.periodic,
            shift=frame.shift,
            estimate=self.error_head,
            spared=SPARED if self._is_learning else 0.0,
        )

    def _run(
        self,
        cells: Pass,
        tree: Tree,
        spec: FieldSpec,
        channels: Float[Tensor, "b t k *padded"],
        entering: Float[Tensor, "k w"],
        leaving: tuple[Float[Tensor, "o w"], Float[Tensor, " o"]],
        lead_steps: Int[Tensor, " b"],
        given: Channels | None,
    ) -> Float[Tensor, "b o *padded"]:
        """One pass through stem, blocks and head."""
        layout = lay_out(cells, tree.patches, spec.grid.shape, tree.shift)
        if self.sequence is not None:
            layout = deal(layout, cells, self.sequence)
        tokens, details = self._encode(channels, tree.patches, layout, entering, given)
        last = self.processor(tokens, spec, lead_steps, recompute=self.recompute).values[:, -1]
        shape = (channels.shape[0], *channels.shape[3:])
        leave, bias = leaving
        if cells.local:  # corrects what the coarse pass says, trend and offset included
            bias = torch.zeros_like(bias)
        groups = zip(layout.groups, layout.unpack(last), details, strict=True)
        parts = []
        for group, values, inner in groups:
            if group.is_leaf:
                patch = tree.patches[group.level]
                decoded = self.heads[_key(patch)](values, inner, leave, bias)
                parts.append(scatter(decoded, patch, group, shape))
        return sum(parts[1:], start=parts[0])

    def _encode(
        self,
        channels: Float[Tensor, "b t k *padded"],
        patches: tuple[tuple[int, ...], ...],
        layout: Layout,
        table: Float[Tensor, "k w"],
        given: Channels | None,
    ) -> tuple[TokenBatch, list[Details | None]]:
        """Cells of every group to packed tokens, and what the stems hand to the heads."""
        tokens, details = [], []
        for group in layout.groups:
            patch = patches[group.level]
            more = None if given is None else (gather(given[0], patch, group), given[1])
            values, inner = self.stems[_key(patch)](gather(channels, patch, group), table, more)
            tokens.append(values.float())  # the residual stream stays float32
            details.append(inner if self.config.details else None)
        packed = TokenBatch(
            values=layout.pack(tokens),
            places=layout.places,
            segments=layout.segments,
            samples=len(channels),
            grid=layout.grid,
            shard=layout.shard,
        )
        return packed, details

    def _add_patches(self, axes: int) -> None:
        """Add stems and heads of all sizes of cells, for grids of this number of axes."""
        if not self.config.has_tokens:
            return
        width = self.config.sizes.width
        for side in self.config.tokenizer.levels:
            patch = (side,) * axes
            self.stems[_key(patch)] = Stem(patch, width, inner=self.inner)
            self.heads[_key(patch)] = Head(patch, width, inner=self.inner)


def _learns(tokenizer: TokenizerConfig) -> bool:
    return "learned" in parts_of(tokenizer.criterion)


def _key(patch: tuple[int, ...]) -> str:
    return "x".join(map(str, patch))
