"""Root mean square error, relative to the standard deviation of the target in space.

VRMSE = √( ⟨(p − t)²⟩ / ⟨(t − ⟨t⟩)²⟩ ), with ⟨·⟩ the mean over space, for each sample,
lead time and field on its own. The Well reports the same with 10⁻⁷ added to the variance.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.metrics import METRICS
from matey_core.metrics._errors import over_space, relative_root


@METRICS.register("vrmse")
def vrmse(
    prediction: Float[Tensor, "b l c *space"],
    target: Float[Tensor, "b l c *space"],
    valid: Bool[Tensor, "b l c *space"] | None = None,
) -> Float[Tensor, "b l c"]:
    """Compute √(⟨(p − t)²⟩ / ⟨(t − ⟨t⟩)²⟩).

    Predicting the target's mean everywhere scores 1, so adding a constant to prediction
    and target changes nothing. Float64 keeps the variance of a float32 constant exactly 0.

    Args:
        prediction: (b, l, c, *space) in physical units.
        target: (b, l, c, *space) the truth.
        valid: (b, l, c, *space) cells that count; all, if None.

    Returns:
        (b, l, c) in float64; ∞ where the target is constant and the prediction differs.
    """
    prediction, target = prediction.double(), target.double()
    error = over_space((prediction - target) ** 2, valid)
    mean = over_space(target, valid).reshape(*target.shape[:3], *[1] * (target.ndim - 3))
    return relative_root(error, over_space((target - mean) ** 2, valid))
