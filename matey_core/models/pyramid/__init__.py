"""A pyramid of convolutions for what is near, waves and adaptive tokens for what is far."""

from collections.abc import Iterable
from typing import Literal

from matey_core.models._base import MODELS
from matey_core.models._cost import ForwardCost, Inputs
from matey_core.models.pyramid.cost import cost_of
from matey_core.models.pyramid.model import PyramidModel
from matey_core.models.pyramid.settings import PyramidSettings
from matey_core.tokenizers import TokenizerConfig, Tree

__all__ = ["PyramidConfig", "PyramidModel"]


@MODELS.register("pyramid")
class PyramidConfig(PyramidSettings):
    """Settings of a pyramid of convolutions with adaptive tokens."""

    variant: Literal["pyramid"] = "pyramid"

    @classmethod
    def tiny(cls) -> "PyramidConfig":
        """Few channels, and one narrow block of tokens of two sizes."""
        tokenizer = TokenizerConfig(patch=(4, 2))
        return cls(
            channels_per_point=8,
            width=24,
            depth=1,
            heads=2,
            half_blocks=1,
            waves=3,
            layer_scale=0.5,
            tokenizer=tokenizer,
        )

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> PyramidModel:
        """Make the model; see `ModelConfig.build`."""
        return PyramidModel(self, fields, num_axes)

    def cost_of(self, tree: Tree, inputs: Inputs) -> ForwardCost:
        """Operations of given cells; see `AdaptiveConfig.cost_of`."""
        return cost_of(self, tree, inputs)
