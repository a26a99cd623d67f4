"""A transformer block: attention stages that a scheme names, then a pointwise network."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.nn.measure import log_measure
from matey_core.nn.mlp import Mlp
from matey_core.nn.modulation import DropPath, Modulation
from matey_core.nn.norms import NORMS
from matey_core.nn.scaled import add_scaled
from matey_core.nn.self_attention import PackedKernel, Route, SelfAttention
from matey_core.tokens import TokenBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSettings:
    """What all blocks of a model share, and the rate of drop path of this one."""

    width: int
    heads: int
    kernel: PackedKernel
    norm: str
    layer_scale: float
    drop_path: float
    measure: bool = False
    """Whether the scores of keys count the size of their cells."""


class Block(nn.Module, ABC):
    """Pre-norm residual branches: one for each attention stage, then the MLP."""

    num_stages: ClassVar[int]
    needs_grid: ClassVar[bool] = False
    """Whether every sequence must be a whole regular grid."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        width = settings.width
        self.stages = nn.ModuleList(
            SelfAttention(width, settings.heads, settings.kernel) for _ in range(self.num_stages)
        )
        self.mlp = Mlp(width)
        self.norm = NORMS[settings.norm](width)
        self.modulation = Modulation(width, self.num_stages + 1, layer_scale=settings.layer_scale)
        self.drop_path = DropPath(settings.drop_path)
        self.measure = settings.measure

    @abstractmethod
    def routes(self, tokens: TokenBatch) -> list[list[Route]]:
        """Name, for each attention stage, which rows of (n, t) see each other."""

    def forward(
        self,
        tokens: TokenBatch,
        condition: Float[Tensor, "b k d"] | None,
        addition: Float[Tensor, "b d"] | None = None,
    ) -> TokenBatch:
        """Let tokens exchange, then think.

        Args:
            tokens: (n, t, d) packed tokens.
            condition: (b, k, d) shifts, scales and gates for every branch, or None.
            addition: (b, d) added to the first attention's output (the published place
                of the lead time), or None.
        """
        x, sample = tokens.values, tokens.places.sample
        *attention, pointwise = self.modulation(condition, tokens.places)
        paths = self.routes(tokens)
        log_weight = None
        if self.measure:
            log_weight = log_measure(tokens.places).unsqueeze(1).expand(x.shape[:2])
        for stage, routes, (shift, scale, gate) in zip(self.stages, paths, attention, strict=True):
            y = stage(self._modulated(x, tokens, shift, scale), routes, log_weight)
            if addition is not None and stage is self.stages[0]:
                y = y + addition[sample].unsqueeze(1)
            x = self._added(x, gate, y, tokens)
        shift, scale, gate = pointwise
        y = self.mlp(self._modulated(x, tokens, shift, scale))
        return tokens.with_values(self._added(x, gate, y, tokens))

    def _modulated(self, x: Tensor, tokens: TokenBatch, shift: Tensor, scale: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            normed = _under(scale, self.norm(x.float(), tokens.segments))
            return add_scaled(shift.float(), normed, scale.float()).view(x.shape)

    def _added(self, x: Tensor, gate: Tensor, y: Tensor, tokens: TokenBatch) -> Tensor:
        if self.training and self.drop_path.rate > 0:
            y = self.drop_path(y, tokens.places.sample, tokens.samples)
        rows, update = _under(gate, x), _under(gate, y.to(x.dtype))
        return add_scaled(rows, gate.to(x.dtype), update).view(x.shape)


def _under(factor: Float[Tensor, "k 1 d"], x: Float[Tensor, "n t d"]) -> Float[Tensor, "k m d"]:
    """Bring together the rows that have a factor in common."""
    return x.reshape(len(factor), x.shape[0] * x.shape[1] // max(1, len(factor)), x.shape[2])
