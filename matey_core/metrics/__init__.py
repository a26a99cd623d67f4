"""Numbers that are reported: the door of the family."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from matey_core.metrics._baselines import persistence
from matey_core.registry import Registry

Metric = Callable[[Float[Tensor, "b l c *space"], Float[Tensor, "b l c *space"]], Tensor]
"""(prediction, target) → (b, l, c): one number a sample, lead time and field, in float64.

0 where prediction and target are equal, unit-free, and never rescued by an added constant:
where the target has nothing to compare an error with, the metric is ∞.
"""

METRICS: Registry[Metric] = Registry(__name__)

__all__ = ["METRICS", "Metric", "persistence"]
