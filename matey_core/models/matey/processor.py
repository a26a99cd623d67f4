"""The transformer between stem and head: positions, lead time, blocks."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.attention import SCHEMES, BlockSettings
from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec
from matey_core.kernels import KERNELS
from matey_core.models.matey.settings import MateySettings
from matey_core.nn.lead_time import LeadTime
from matey_core.nn.recompute import run_block
from matey_core.tokenizers._positions import POSITIONS
from matey_core.tokens import TokenBatch


class Processor(nn.Module):
    """Blocks of one scheme, conditioned on where tokens are and how far ahead to look."""

    def __init__(self, config: MateySettings) -> None:
        super().__init__()
        width, depth, heads = config.sizes
        check_scheme(config)
        scheme = SCHEMES[config.scheme]
        rates = torch.linspace(0, config.drop_path, depth).tolist()
        self.blocks = nn.ModuleList(
            scheme(
                BlockSettings(
                    width=width,
                    heads=heads,
                    kernel=KERNELS[config.kernel],
                    norm=config.norm,
                    layer_scale=config.layer_scale,
                    drop_path=rate,
                    measure=config.measure,
                )
            )
            for rate in rates
        )
        positions = POSITIONS[config.position]
        self.positions = positions(width) if positions else None
        self.lead_time = LeadTime(width)
        self.everywhere = None
        if config.conditioning == "every_block":
            self.everywhere = nn.Linear(width, 3 * (scheme.num_stages + 1) * width)
            nn.init.normal_(self.everywhere.weight, std=0.02)
            nn.init.zeros_(self.everywhere.bias)

    def forward(
        self,
        tokens: TokenBatch,
        spec: FieldSpec,
        lead_steps: Int[Tensor, " b"],
        *,
        recompute: bool = False,
    ) -> TokenBatch:
        """Let the tokens of every sequence exchange.

        Args:
            tokens: (n, t, d) packed tokens.
            spec: grid and time step.
            lead_steps: (b,) frames ahead.
            recompute: keep only what enters each block for the backward pass.
        """
        lead = self.lead_time(lead_steps, spec.time_step)
        if self.positions is not None:
            encoding = self.positions(tokens.places, spec.grid, tokens.values.shape[1])
            tokens = tokens.with_values(tokens.values + encoding)
        condition = self._condition(lead)
        for depth, block in enumerate(self.blocks):
            first = depth == 0 and self.everywhere is None
            inputs = (tokens, condition, lead if first else None)
            tokens = run_block(block, *inputs, recompute=recompute)
        return tokens

    def _condition(self, lead: Float[Tensor, "b d"]) -> Float[Tensor, "b k d"] | None:
        if self.everywhere is None:
            return None
        return self.everywhere(nn.functional.silu(lead)).unflatten(1, (-1, lead.shape[1]))


def check_scheme(config: MateySettings) -> None:
    """Refuse combinations that cannot work.

    Raises:
        ConfigError: says which, and what to choose instead.
    """
    width, _, heads = config.sizes
    if width % heads or width % 4:
        raise ConfigError(
            f"model.width is {width}; it must be a multiple of 4 and of the {heads} heads.",
            remedy=f"Set model.width={heads * 64} or change model.heads.",
        )
    config.check_wrapper()
    scheme, tokenizer = SCHEMES[config.scheme], config.tokenizer
    if scheme.needs_grid and tokenizer.name == "adap_mix":
        raise ConfigError(
            f"The {config.scheme} scheme attends along grid lines, and adap_mix has no grid: "
            "coarse and fine cells share one sequence.",
            remedy="Choose model.tokenizer.name=adap_mul or uniform, or model.scheme=full.",
        )


def check_shared(config: MateySettings, size: int) -> None:
    """Refuse settings with which several processes cannot share a sample.

    Raises:
        ConfigError: says which, and what to choose instead.
    """
    if config.norm == "sequence":
        raise ConfigError(
            "model.norm is sequence, which standardizes over all tokens of a sample; "
            f"{size} processes that share it have a part each.",
            remedy="Set model.norm=token, or leave --sequence-parallel out.",
        )
    if SCHEMES[config.scheme].needs_grid and config.sizes.heads < size:
        raise ConfigError(
            f"The {config.scheme} scheme shares out its {config.sizes.heads} heads, too few for "
            f"{size} processes.",
            remedy=f"Use --sequence-parallel {config.sizes.heads} or less, or model.scheme=full.",
        )
