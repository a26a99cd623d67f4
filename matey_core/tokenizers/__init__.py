"""How fields are cut into tokens: the door of the family."""

from typing import ClassVar

from pydantic import NonNegativeFloat, PositiveInt, model_validator

from matey_core.config import Config
from matey_core.registry import Registry


class TokenizerConfig(Config):
    """Which cells a field is cut into, and how many of them."""

    registry: ClassVar[Registry[type]] = Registry(__name__)

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
    def budget_gamma(self) -> float:
        """The threshold γ in force where neither ratio nor tokens is set."""
        return DEFAULT_GAMMA if self.gamma is None else self.gamma


DEFAULT_GAMMA = 0.1

TOKENIZERS = TokenizerConfig.registry

__all__ = ["DEFAULT_GAMMA", "TOKENIZERS", "TokenizerConfig"]
