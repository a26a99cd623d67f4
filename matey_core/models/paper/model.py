"""The published architecture (arXiv 2412.20601) as it is, able to load its weights."""

from collections.abc import Iterable
from typing import ClassVar, cast

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import ConfigError, ShapeError
from matey_core.kernels import KERNELS
from matey_core.models._adaptive import AdaptiveModel
from matey_core.models._base import Part
from matey_core.models.paper.blocks import PaperMlp
from matey_core.models.paper.canvas import Statistics, crop, from_canvas, pad, to_canvas
from matey_core.models.paper.passes import PASSES, Job
from matey_core.models.paper.patches import (
    FieldProjection,
    PaperHead,
    PaperTokenizer,
    Triple,
    patch_triple,
)
from matey_core.models.paper.positions import PositionArea
from matey_core.models.paper.schemes import SCHEMES, drop_rates
from matey_core.models.paper.selection import Cut, cut
from matey_core.models.paper.settings import PaperSettings
from matey_core.tokenizers import TokenizerConfig
from matey_core.tokens import whole_numbers


class PaperModel(AdaptiveModel):
    """ViT, SViT or AViT with instance norms, as published.

    One- and two-dimensional fields are given leading axes of one point. The names
    of modules are those of published checkpoints, but for the tokenizer heads,
    which are called after the number of axes: "1d", "2d", "3d".
    """

    can_recompute: ClassVar[bool] = True
    can_shard: ClassVar[bool] = False  # without refined cells, a batch leaves the fine head out
    config: PaperSettings

    def __init__(
        self, config: PaperSettings, fields: Iterable[str], num_axes: Iterable[int]
    ) -> None:
        super().__init__(config, fields, num_axes)
        config.check(self.num_axes)
        width, depth, heads = config.sizes
        self.space_bag = nn.ModuleList([FieldProjection(len(self.fields), width // 4)])
        self.tokenizer_ensemble_heads = nn.ModuleList([nn.ModuleDict()])
        for axes in self.num_axes:
            self._add_tokenizer(axes)
        self.ltimeMLP = nn.ModuleList([PaperMlp(1, width)])
        scheme, kernel = SCHEMES[config.scheme], KERNELS[config.kernel]
        rates = drop_rates(config.drop_path, depth)
        self.blocks = nn.ModuleList(scheme(width, heads, kernel, rate=rate) for rate in rates)
        has_positions = config.position == "fourier"
        self.posbias = nn.ModuleList([PositionArea(width)] if has_positions else [])

    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`; see `Model.forward`."""
        self.check(batch)
        num_leads = batch.lead_steps.shape[1]
        history = to_canvas(batch.history).repeat_interleave(num_leads, 0)
        lead = batch.lead_steps.reshape(-1, 1).to(history)
        statistics = Statistics.of(history)
        raw, normalized = (
            self._pad(batch, values) for values in (history, statistics.normalize(history))
        )
        cells = cut(raw, self._patches(batch), self.tokenizing)
        values = PASSES[self.tokenizing.name](self._job(batch, normalized, lead, cells))
        values = statistics.restore(crop(values, history.shape[3:]))
        return Prediction(
            spec=batch.spec,
            values=from_canvas(values, batch.history.shape[3:], num_leads),
            lead_steps=batch.lead_steps,
        )

    def cells(self, batch: FieldBatch) -> Cut:
        """Decide which coarse cells of each sample are refined, as `forward` does."""
        self.check(batch)
        raw = self._pad(batch, to_canvas(batch.history))
        return cut(raw, self._patches(batch), self.tokenizing)

    def count_tokens(self, batch: FieldBatch) -> Int[Tensor, " b"]:
        """Count the tokens a frame of each sample is cut into."""
        cells = self.cells(batch)
        refined = torch.tensor(cells.counts, device=batch.history.device)
        replaced = 1 if self.tokenizing.name == "adap_mix" else 0
        return cells.num_coarse + refined * (cells.num_fine - replaced)

    def check_tokenizer(self, tokenizer: TokenizerConfig) -> None:
        """Refuse settings that are not published, or other patch sizes than the model's."""
        super().check_tokenizer(tokenizer)
        self.config.with_tokenizer(tokenizer).check(self.num_axes)
        if tokenizer.levels != self.config.tokenizer.levels:
            raise ConfigError(
                f"The paper variant embeds all of its patch sizes, {self.config.tokenizer.levels}, "
                f"not {tokenizer.levels} alone.",
                remedy="Train a model of another variant, such as matey, to leave a size out.",
            )

    @torch.no_grad()
    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Learn new fields and numbers of axes, keeping every old weight and prediction."""
        new_axes = tuple(sorted(set(num_axes) - set(self.num_axes)))
        all_axes = tuple(sorted({*self.num_axes, *new_axes}))
        self.config.check(all_axes)
        new_fields = tuple(name for name in dict.fromkeys(fields) if name not in self.fields)
        if new_fields:
            for module in self.modules():
                if isinstance(module, FieldProjection | PaperHead):
                    module.extend(len(new_fields))
        self.fields += new_fields
        for axes in new_axes:
            self._add_tokenizer(axes)
        self.num_axes = all_axes

    def part_of(self, parameter: str) -> Part:
        """Say which part a parameter, by its name in `named_parameters`, belongs to."""
        if parameter.startswith("space_bag."):
            return "fields"
        if parameter.startswith("tokenizer_ensemble_heads."):
            return "head" if ".debed." in parameter else "stem"
        return "attention"

    def _job(
        self,
        batch: FieldBatch,
        normalized: Float[Tensor, "b t c d h w"],
        lead: Float[Tensor, "b 1"],
        cells: Cut,
    ) -> Job:
        tokenizer = self._tokenizer(len(batch.history.shape[3:]))
        ids = whole_numbers(
            tuple(self.fields.index(name) for name in batch.spec.names), normalized.device
        )
        frames = self.space_bag[0](normalized.flatten(0, 1), ids)
        shape = dict(zip(("b", "nd", "nh", "nw"), (len(normalized), *cells.grid), strict=True))
        levels = [
            rearrange(
                stem(frames),
                "(b t) e (nd qd) (nh qh) (nw qw) -> b (nd nh nw qd qh qw) t e",
                **shape,
            )
            for stem in reversed(list(tokenizer.embed))
        ]
        table = torch.cat(levels, dim=1)
        for encoding in self.posbias:
            is_flat = normalized.shape[3] == 1
            table = table + encoding(cells, frames=normalized.shape[1], is_flat=is_flat)
        return Job(
            blocks=self.blocks,
            recompute=self.recompute,
            fine_head=cast(PaperHead, tokenizer.debed[0]),
            coarse_head=cast(PaperHead, tokenizer.debed[-1]),
            ids=ids,
            cut=cells,
            table=table,
            lead=self.ltimeMLP[0](lead),
        )

    def _tokenizer(self, num_axes: int) -> PaperTokenizer:
        heads = cast(nn.ModuleDict, self.tokenizer_ensemble_heads[0])
        return cast(PaperTokenizer, heads[f"{num_axes}d"])

    def _add_tokenizer(self, num_axes: int) -> None:
        patches = self._triples(num_axes)
        tokenizer = PaperTokenizer(self.config.sizes.width, patches, len(self.fields))
        heads = cast(nn.ModuleDict, self.tokenizer_ensemble_heads[0])
        heads[f"{num_axes}d"] = tokenizer.to(next(self.parameters()))

    def _triples(self, num_axes: int) -> tuple[Triple, ...]:
        """Patches of fields with `num_axes` axes, the finest first."""
        return tuple(patch_triple(p, num_axes) for p in reversed(self.config.tokenizer.levels))

    def _patches(self, batch: FieldBatch) -> tuple[Triple, ...]:
        return self._triples(len(batch.history.shape[3:]))

    def _pad(self, batch: FieldBatch, values: Tensor) -> Tensor:
        return pad(values, self._patches(batch)[-1], batch.spec.grid.periodic)

    def check(self, batch: FieldBatch) -> None:
        """Refuse what the model has not learned, or cannot norm.

        Raises:
            ConfigError: the batch has a field or a number of axes the model does not know.
            ShapeError: the grid holds fewer than two coarse patches, or the scheme
                needs more frames.
        """
        super().check(batch)
        shape = batch.history.shape[3:]
        patch = self.config.tokenizer.levels[0]
        if min(shape) < patch or max(shape) <= patch:
            raise ShapeError(
                f"A grid of {'×'.join(str(size) for size in shape)} points holds fewer than two "
                f"patches of {patch} points an axis: the paper variant has nothing to norm over.",
                remedy="Choose smaller values for model.tokenizer.patch.",
            )
        if self.config.scheme == "factorized" and batch.history.shape[1] < 2:
            raise ShapeError(
                "The factorized scheme of the paper variant norms over frames and needs at least "
                "two; the history has one.",
                remedy="Use a longer history, or model.scheme=full.",
            )
