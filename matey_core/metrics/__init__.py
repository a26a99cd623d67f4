"""Numbers that are reported: the door of the family."""

from typing import Protocol

from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.metrics._baselines import persistence
from matey_core.registry import Registry


class Metric(Protocol):
    """One number a sample, lead time and field, in float64.

    0 where prediction and target are equal, unit-free, and never rescued by an added
    constant: where the target has nothing to compare an error with, the metric is ∞.
    """

    def __call__(
        self,
        prediction: Float[Tensor, "b l c *space"],
        target: Float[Tensor, "b l c *space"],
        valid: Bool[Tensor, "b l c *space"] | None = None,
    ) -> Float[Tensor, "b l c"]:
        """Measure a prediction in physical units.

        Args:
            prediction: (b, l, c, *space).
            target: (b, l, c, *space) the truth.
            valid: (b, l, c, *space) cells that count; None if all do. Whatever is in the
                others changes nothing. The metric is NaN where none counts.
        """
        ...


METRICS: Registry[Metric] = Registry(__name__)

__all__ = ["METRICS", "Metric", "persistence"]
