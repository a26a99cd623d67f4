"""MATEY without the published faults: local norms, increments, lead time in every block."""

from collections.abc import Iterable

from matey_core.models._base import MODELS
from matey_core.models._cost import ForwardCost, Inputs
from matey_core.models.matey.cost import cost_of
from matey_core.models.matey.model import MateyModel
from matey_core.models.matey.settings import MateySettings
from matey_core.tokenizers import Tree

__all__ = ["MateyConfig", "MateyModel"]


@MODELS.register("matey")
class MateyConfig(MateySettings):
    """Settings of a MATEY model."""

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> MateyModel:
        """Make the model; see `ModelConfig.build`."""
        return MateyModel(self, fields, num_axes)

    def cost_of(self, tree: Tree, inputs: Inputs) -> ForwardCost:
        """Operations of given cells; see `AdaptiveConfig.cost_of`."""
        return cost_of(self, tree, inputs)
