"""Root mean square error, relative to the root mean square of the target.

nRMSE = √( ⟨(p − t)²⟩ / ⟨t²⟩ ), with ⟨·⟩ the mean over space, for each sample, lead time
and field on its own.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.metrics import METRICS
from matey_core.metrics._errors import over_space, relative_root


@METRICS.register("nrmse")
def nrmse(
    prediction: Float[Tensor, "b l c *space"],
    target: Float[Tensor, "b l c *space"],
    valid: Bool[Tensor, "b l c *space"] | None = None,
) -> Float[Tensor, "b l c"]:
    """Compute √(⟨(p − t)²⟩ / ⟨t²⟩).

    A prediction of 0 everywhere scores 1. A field that lies far from 0, such as a
    pressure, makes it small for any prediction; `vrmse` does not have that weakness.

    Args:
        prediction: (b, l, c, *space) in physical units.
        target: (b, l, c, *space) the truth.
        valid: (b, l, c, *space) cells that count; all, if None.

    Returns:
        (b, l, c) in float64; ∞ where the target is 0 everywhere and the prediction is not.
    """
    prediction, target = prediction.double(), target.double()
    error = over_space((prediction - target) ** 2, valid)
    return relative_root(error, over_space(target**2, valid))
