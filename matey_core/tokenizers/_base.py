"""Settings of a tokenizer, and what every tokenizer promises."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool
from pydantic import NonNegativeFloat, PositiveInt, model_validator
from torch import Tensor

from matey_core.config import Config
from matey_core.registry import Registry
from matey_core.tokenizers._tree import Tree


class TokenizerConfig(Config):
    """Which cells a field is cut into, and how many of them."""

    name: str = "adap_mix"
    """`uniform`, `adap_mix` (coarse and fine tokens in one sequence) or `adap_mul` (a coarse
    sequence, and a short local fine one for every refined cell)."""
    patch: tuple[PositiveInt, ...] = (16, 8)
    """Points per axis of a cell, from the coarsest level to the finest. `uniform` uses the last."""
    criterion: str = "variance"
    """Scores cells by how much detail they hold."""
    gamma: NonNegativeFloat | None = None
    """Refine cells that score above this fraction of the sample's largest score."""
    ratio: NonNegativeFloat | None = None
    """Refine this fraction of the cells, worst first."""
    tokens: PositiveInt | None = None
    """Refine worst cells first, as many as this number of tokens a frame allows."""

    @model_validator(mode="after")
    def _check(self) -> "TokenizerConfig":
        given = [key for key in ("gamma", "ratio", "tokens") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of gamma, ratio and tokens, not {' and '.join(given)}")
        if self.ratio is not None and self.ratio > 1:
            raise ValueError(f"ratio is a fraction of the cells, at most 1, not {self.ratio}")
        for coarse, fine in zip(self.patch, self.patch[1:], strict=False):
            if fine >= coarse or coarse % fine:
                raise ValueError(
                    f"patch goes from coarse to fine, each a multiple of the next: not {self.patch}"
                )
        if not self.patch:
            raise ValueError("patch needs at least one size")
        if self.name != "uniform" and len(self.patch) < 2:
            raise ValueError(f"{self.name} needs a coarse and a fine patch, such as [16, 8]")
        return self

    @property
    def levels(self) -> tuple[int, ...]:
        """Patch sizes that exist in the model, coarse to fine."""
        return self.patch[-1:] if self.name == "uniform" else self.patch

    @property
    def keeps_roots(self) -> bool:
        """Whether a refined coarse cell stays a token beside its fine ones."""
        return self.name == "adap_mul"

    @property
    def budget_gamma(self) -> float:
        """The threshold γ in force where neither ratio nor tokens is set."""
        return DEFAULT_GAMMA if self.gamma is None else self.gamma


DEFAULT_GAMMA = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Cells that go through the blocks together."""

    masks: tuple[Bool[Tensor, "b ..."], ...]
    """For every level, coarse to fine, the cells that become tokens."""
    local: bool = False
    """Whether cells attend only inside their coarse cell, instead of across the sample."""


@runtime_checkable
class Tokenizer(Protocol):
    """What a tree of cells becomes: one sequence a sample, or several passes."""

    def __call__(self, tree: Tree) -> tuple[Pass, ...]:
        """List the passes; the predictions of all passes add up.

        Args:
            tree: the cells of every sample of a batch.
        """
        ...


TOKENIZERS: Registry[Tokenizer] = Registry("matey_core.tokenizers")
