"""MATEY without the published faults: local norms, increments, lead time in every block."""

from collections.abc import Iterable
from typing import Literal

from matey_core.models._base import MODELS
from matey_core.models._cost import ForwardCost, Inputs
from matey_core.models.matey.cost import cost_of
from matey_core.models.matey.model import MateyModel
from matey_core.models.matey.settings import MateySettings
from matey_core.tokenizers import TokenizerConfig, Tree

__all__ = ["MateyConfig", "MateyModel"]


@MODELS.register("matey")
class MateyConfig(MateySettings):
    """Settings of a MATEY model."""

    variant: Literal["matey"] = "matey"

    @classmethod
    def tiny(cls) -> "MateyConfig":
        """Two narrow blocks on cells of two sizes."""
        tokenizer = TokenizerConfig(patch=(8, 4))
        return cls(width=24, depth=2, heads=2, layer_scale=0.5, tokenizer=tokenizer)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> MateyModel:
        """Make the model; see `ModelConfig.build`."""
        return MateyModel(self, fields, num_axes)

    def cost_of(self, tree: Tree, inputs: Inputs) -> ForwardCost:
        """Operations of given cells; see `AdaptiveConfig.cost_of`."""
        return cost_of(self, tree, inputs)
