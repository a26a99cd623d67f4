"""The arms of a comparison at equal cost: uniform patches, and adaptive tokens on their ladder."""

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import pairwise
from typing import Any

from matey_core.config import validate
from matey_core.errors import ConfigError, ShapeError
from matey_core.models import ModelConfig, adaptive_config

ADAPTIVE = ("adap_mix", "adap_mul")
CHOSEN_HERE = ("name", "patch", "criterion", "gamma", "ratio", "tokens", "budget")
"""Settings of a tokenizer that tell the arms apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One tokenization among those compared."""

    name: str
    """As in names of runs, such as adap_mix-16-8-4-205-variance."""
    tokenizer: str
    patch: tuple[int, ...]
    """Points per axis of a cell, coarse to fine."""
    criterion: str | None = None
    tokens: int | None = None
    """Budget of a frame; None where the patch decides."""

    @property
    def is_uniform(self) -> bool:
        """Whether all cells are of one size."""
        return self.tokenizer == "uniform"

    @property
    def label(self) -> str:
        """As in tables and sentences."""
        if self.is_uniform:
            return f"uniform {self.patch[-1]}"
        ladder = "→".join(map(str, self.patch))
        return f"{self.tokenizer} ({ladder}, {self.tokens} tokens, {self.criterion})"

    def model(self, base: ModelConfig) -> ModelConfig:
        """Put the tokenization into settings that all arms share.

        Raises:
            ConfigError: they do not fit together.
        """
        base = adaptive_config(base, what="A comparison of tokenizations")
        values: dict[str, Any] = base.model_dump(mode="json", exclude_none=True)
        kept = {key: value for key, value in values["tokenizer"].items() if key not in CHOSEN_HERE}
        own: dict[str, Any] = {"name": self.tokenizer, "patch": list(self.patch)}
        if not self.is_uniform:
            own |= {"criterion": self.criterion, "tokens": self.tokens}
        values["tokenizer"] = kept | own
        return validate(ModelConfig, values, source=f"arm {self.name}")

    def tokenizer_in(self, base: ModelConfig) -> dict[str, Any]:
        """The whole section `model.tokenizer` of settings that all arms share, as plain values."""
        tokenizer = self.model(base).model_dump(mode="json", exclude_none=True)["tokenizer"]
        return dict(tokenizer)


def arms_of(
    *,
    levels: Sequence[int],
    criteria: Sequence[str],
    budgets: Sequence[str],
    choices: Sequence[str],
    shape: tuple[int, ...],
) -> tuple[Arm, ...]:
    """List the arms for one grid: uniform ones from coarse to fine, then adaptive ones.

    The finest uniform arm is what all are compared with, so it is always there.

    Args:
        levels: the ladder of patches, coarse to fine.
        criteria: what adaptive arms choose cells by; one that is named twice counts once.
        budgets: tokens of a frame of the adaptive arms: `205`, or at most `40%` of the finest
            uniform's, rounded down to whole cells split from coarse to fine.
        choices: names of arms or of tokenizers, or patterns such as `adap_mix-16-4-*`.
        shape: points per axis of the grid.

    Raises:
        ConfigError: an arm does not exist, no adaptive one is left, levels are no ladder, or a
            budget is more than the finest uniform patch has.
        ShapeError: the grid is smaller than the coarsest patch.
    """
    _check(levels, shape)
    uniform = [Arm(name=f"uniform-{side}", tokenizer="uniform", patch=(side,)) for side in levels]
    tokens = list(dict.fromkeys(_number(budget, levels, shape) for budget in budgets))
    every = [*uniform, *_adaptive(levels, list(dict.fromkeys(criteria)), tokens)]
    wanted = {name for choice in choices for name in _matches(choice, every)}
    arms = tuple(arm for arm in every if arm.name in wanted or arm == uniform[-1])
    if all(arm.is_uniform for arm in arms):
        raise ConfigError(
            "There is no adaptive arm to compare with uniform patches.",
            remedy="Add adap_mix or adap_mul to --arms.",
        )
    return arms


def _adaptive(levels: Sequence[int], criteria: Sequence[str], tokens: list[int]) -> Iterator[Arm]:
    ladders = dict.fromkeys([(levels[0], levels[-1]), tuple(levels)])
    for tokenizer in ADAPTIVE:
        for ladder in ladders:
            for number in tokens:
                for criterion in criteria:
                    sides = "-".join(map(str, ladder))
                    yield Arm(
                        name=f"{tokenizer}-{sides}-{number}-{criterion}",
                        tokenizer=tokenizer,
                        patch=ladder,
                        criterion=criterion,
                        tokens=number,
                    )


def _matches(choice: str, arms: Sequence[Arm]) -> list[str]:
    found = [arm.name for arm in arms if arm.tokenizer == choice or fnmatch(arm.name, choice)]
    if found:
        return found
    names = [*dict.fromkeys(arm.tokenizer for arm in arms), *(arm.name for arm in arms)]
    near = difflib.get_close_matches(choice, names, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"There is no arm {choice!r}; there are {', '.join(names)}.",
        remedy=f"{hint}A pattern such as 'adap_mix-*' takes several.",
    )


def _number(budget: str, levels: Sequence[int], shape: tuple[int, ...]) -> int:
    text, finest = budget.strip(), _cells(levels[-1], shape)
    try:
        is_part = text.endswith("%")
        number = float(text.removesuffix("%")) / 100 if is_part else int(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise ConfigError(
            f"{budget!r} is no number of tokens.",
            remedy="Write --tokens 205,307 or, as parts of the finest uniform's, 40%,60%.",
        )
    if number > (1 if is_part else finest):
        raise ConfigError(
            f"{budget} tokens are more than the {finest} of the finest uniform patch, which has "
            f"{levels[-1]} points a side.",
            remedy=f"Allow {finest} tokens or fewer, at most 100%.",
        )
    return _whole(number, levels, shape) if is_part else int(number)


def _whole(part: float, levels: Sequence[int], shape: tuple[int, ...]) -> int:
    """Largest number that whole splits from the coarsest to the finest cells make."""
    roots, cells = (_cells(side, shape) for side in (levels[0], levels[-1]))
    more = (levels[0] // levels[-1]) ** len(shape) - 1
    return roots + more * max(1, int((part * cells - roots) / more))


def _cells(side: int, shape: tuple[int, ...]) -> int:
    return math.prod(-(-points // side) for points in shape)


def _check(levels: Sequence[int], shape: tuple[int, ...]) -> None:
    ladder = ",".join(map(str, levels))
    is_ladder = all(coarse > fine and coarse % fine == 0 for coarse, fine in pairwise(levels))
    if len(levels) < 2 or not is_ladder:
        raise ConfigError(
            f"The patches {ladder} are no ladder: it goes from coarse to fine, each a multiple of "
            "the next.",
            remedy="Write it as --levels 16,8,4.",
        )
    if levels[0] > min(shape):
        raise ShapeError(
            f"A patch of {levels[0]} points does not fit the grid, which has "
            f"{'×'.join(map(str, shape))} points.",
            remedy=f"Begin the --levels with {min(shape)} points or fewer.",
        )
