"""Settings of a tokenizer, and what every tokenizer promises."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from matey_core.budgets import BudgetConfig
from matey_core.config import Config
from matey_core.errors import ConfigError
from matey_core.nn.shift import Shift
from matey_core.registry import Registry
from matey_core.tokenizers._tree import Tree

SHORTHAND = ("gamma", "ratio", "tokens")
"""Budgets that may be given by their value alone."""


def with_budget(values: Any) -> Any:
    """Turn a budget's value beside the other settings into its section.

    The value goes before a section that is there as well: that is how an option such as
    `--tokens 128` lies over the section of a file.

    Args:
        values: settings of a tokenizer, as they are given.

    Raises:
        ValueError: there are two budgets.
    """
    if not isinstance(values, Mapping):
        return values
    given = {key: values[key] for key in SHORTHAND if values.get(key) is not None}
    # What a validator returns is read as Python's values are: a list is then no tuple.
    rest = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in values.items()
        if key not in SHORTHAND
    }
    if len(given) > 1:
        raise ValueError(f"give one of gamma, ratio and tokens, not {' and '.join(given)}")
    for key, value in given.items():
        rest["budget"] = {"name": key, key: value}
    return rest


class TokenizerConfig(Config):
    """Which cells a field is cut into, and how many of them."""

    name: str = "adap_mix"
    """Tokenizer: `uniform`, `adap_mix` (coarse and fine tokens in one sequence) or `adap_mul` (a
    coarse sequence, and a short fine one for every refined cell)."""
    patch: tuple[PositiveInt, ...] = (16, 8)
    """Points per axis of a cell, from the coarsest level to the finest. `uniform` uses the last."""
    criterion: str = "variance"
    """Criterion that scores cells: `variance`, `gradient`, `laplacian`, `innovation`,
    `raw_variance` (paper), `learned` (the error that the model expects), `random`; or the largest
    score of several, such as `gradient+innovation`."""
    budget: BudgetConfig = Field(default_factory=BudgetConfig.standard)
    """Budget that decides how many cells are refined: `gamma`, `ratio` or `tokens`. Short forms of
    the section are `gamma = 0.3`, `ratio = 0.5` and `tokens = 128`."""
    coarse_cells: PositiveInt | None = None
    """Begin every grid with the finest patch size that makes at most this many cells, so that small
    and large grids cost alike; by default with the first size. Cells that jitter adds along bounded
    axes are not counted."""
    balanced: bool = False
    """Refine a cell only after its neighbors have its level: adjacent leaves then differ by at most
    one level."""
    keep_parents: bool = False
    """Keep refined cells as tokens, which take part in attention but predict nothing; `adap_mix`
    only."""

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, values: Any) -> Any:
        return with_budget(values)

    @model_validator(mode="after")
    def _check(self) -> "TokenizerConfig":
        for coarse, fine in zip(self.patch, self.patch[1:], strict=False):
            if fine >= coarse or coarse % fine:
                raise ValueError(
                    f"patch goes from coarse to fine, each a multiple of the next: not {self.patch}"
                )
        if not self.patch:
            raise ValueError("patch needs at least one size")
        if self.name != "uniform" and len(self.patch) < 2:
            raise ValueError(f"{self.name} needs a coarse and a fine patch, such as [16, 8]")
        if self.keep_parents and self.name != "adap_mix":
            raise ValueError(f"keep_parents is for adap_mix alone, not for {self.name}")
        return self

    @property
    def levels(self) -> tuple[int, ...]:
        """Patch sizes that exist in the model, coarse to fine."""
        return self.patch[-1:] if self.is_of_one_size else self.patch

    @property
    def is_of_one_size(self) -> bool:
        """Whether cells have the last patch size on every grid."""
        return self.name == "uniform" and self.coarse_cells is None

    @property
    def keeps_roots(self) -> bool:
        """Whether a refined coarse cell stays a token beside its fine ones."""
        return self.name == "adap_mul"

    @property
    def has_number(self) -> bool:
        """Whether the budget says how many cells are refined, whatever the fields."""
        return self.budget.is_number

    @property
    def gamma(self) -> float | None:
        """The threshold, where that is the budget."""
        return getattr(self.budget, "gamma", None)

    @property
    def ratio(self) -> float | None:
        """The fraction of the cells, where that is the budget."""
        return getattr(self.budget, "ratio", None)

    @property
    def tokens(self) -> int | None:
        """The number of tokens, where that is the budget."""
        return self.budget.limit

    def on(self, shape: tuple[int, ...], shift: Shift | None = None) -> "TokenizerConfig":
        """Choose the patch sizes that serve a grid.

        With `coarse_cells`, that is the finest one that makes no more cells, and all finer ones
        (`uniform`: that one alone); sizes that the grid is too small for are passed over, and
        adaptive cells keep at least two sizes.

        Args:
            shape: points per axis of the grid, without padding.
            shift: how far the cells begin before the first point. `uniform` cells are then
                counted for the shift that makes most of them, so that the answer is the same in
                every step; `coarse_cells` counts those that are not shifted.

        Raises:
            ConfigError: there are more cells than `coarse_cells`, or `uniform` ones are more than
                `tokens`.
        """
        if self.coarse_cells is None:
            return self._affordable(shape, shift)
        last = len(self.patch) - (1 if self.name == "uniform" else 2)
        fitting = [i for i in range(last + 1) if self.patch[i] <= min(shape)] or [last]
        few = [i for i in fitting if _count(shape, self.patch[i]) <= self.coarse_cells]
        if not few:
            side = self.patch[fitting[0]]
            raise ConfigError(
                f"Cells of {side} points are {_count(shape, side)} on a grid of "
                f"{'×'.join(map(str, shape))}, more than coarse_cells = {self.coarse_cells}.",
                remedy=f"Allow {_count(shape, side)}, or begin model.tokenizer.patch with a "
                "coarser size.",
            )
        start = max(few)
        stop = start + 1 if self.name == "uniform" else None
        part = self.model_copy(update={"patch": self.patch[start:stop], "coarse_cells": None})
        return part._affordable(shape, shift)

    def with_tokens(self, tokens: int) -> "TokenizerConfig":
        """Spend another number of tokens, whatever the budget was."""
        budget = BudgetConfig.choose({"name": "tokens", "tokens": tokens})
        return self.model_copy(update={"budget": budget})

    def with_ratio(self, ratio: float) -> "TokenizerConfig":
        """Refine another fraction of the cells, whatever the budget was."""
        budget = BudgetConfig.choose({"name": "ratio", "ratio": ratio})
        return self.model_copy(update={"budget": budget})

    def _affordable(self, shape: tuple[int, ...], shift: Shift | None) -> "TokenizerConfig":
        """Refuse uniform cells that are more than the tokens allowed; others are counted later."""
        if self.name == "uniform" and self.tokens is not None:
            number = _count(shape, self.patch[-1], shift)
            if number > self.tokens:
                moved = " once they are shifted" if number > _count(shape, self.patch[-1]) else ""
                raise ConfigError(
                    f"Uniform cells of {self.patch[-1]} points are {number} on a grid of "
                    f"{'×'.join(map(str, shape))}{moved}, more than the {self.tokens} tokens "
                    "allowed.",
                    remedy=f"Allow {number} tokens, or choose a coarser patch.",
                )
        return self


def _count(shape: tuple[int, ...], side: int, shift: Shift | None = None) -> int:
    """Cells of a size that a grid is cut into, the padded ones included, by the widest shift."""
    wraps = shift.periodic if shift else (True,) * len(shape)
    before = [0 if is_periodic else side - 1 for is_periodic in wraps]
    return math.prod(
        -(-(points + extra) // side) for points, extra in zip(shape, before, strict=True)
    )


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
