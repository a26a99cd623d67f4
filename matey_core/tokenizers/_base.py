"""Settings of a tokenizer, and what every tokenizer promises."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int
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
    """Tokens of a frame: as many cells are refined as make exactly this number (`adap_mul`: or
    the next smaller one that whole blocks add up to)."""
    balanced: bool = False
    """Refine only where all neighbors are there already: adjacent leaves then differ by one
    level at most."""
    keep_parents: bool = False
    """`adap_mix`: let refined cells stay tokens, which see but predict nothing."""

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
class Cells:
    """Cells of one level that become tokens."""

    level: int
    mask: Bool[Tensor, "b ..."]
    count: int | None = None
    """How many there are in every sample, where that is known without a look at the mask."""
    is_leaf: bool = True
    """Whether they predict; cells that do not are seen by the others."""

    @property
    def are_all(self) -> bool:
        """Whether these are surely all cells of the level."""
        return self.count == math.prod(self.mask.shape[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Cells that go through the blocks together."""

    cells: tuple[Cells, ...]
    local: bool = False
    """Whether cells attend only inside the cell that they are pieces of, instead of across
    the sample. There is then one level, and whole blocks of it."""


def num_tokens(passes: Sequence[Pass]) -> Int[Tensor, " b"]:
    """(b,) tokens of a frame of each sample, over all passes.

    Args:
        passes: at least one.
    """
    counts = [cells.mask.flatten(1).sum(1) for each in passes for cells in each.cells]
    return torch.stack(counts).sum(0)


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
