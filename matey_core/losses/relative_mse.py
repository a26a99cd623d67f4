"""Mean square error relative to the target's mean square, as in arXiv 2412.20601.

r = ⟨(p − t)²⟩ / (10⁻⁷ + ⟨t²⟩), with ⟨·⟩ the mean over space in physical units; the loss is
the mean of r over samples, lead times and fields.
"""

from typing import Literal

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import LOSSES, Loss, LossConfig, LossFunction
from matey_core.losses._means import over_samples, squared_error, squared_size

EPSILON = 1e-7
"""In the units of the squared field: fields far below 3·10⁻⁴ hardly count."""


@LOSSES.register("relative_mse")
class RelativeMseConfig(LossConfig):
    """Mean square error relative to the target's mean square, as in the paper."""

    name: Literal["relative_mse"] = "relative_mse"

    def build(self) -> LossFunction:
        """Return `relative_mse`."""
        return relative_mse


def relative_mse(prediction: Prediction, batch: FieldBatch) -> Loss:
    """Compute the mean of r; its part `nrmse` is the mean of √r."""
    relative = squared_error(prediction, batch) / (EPSILON + squared_size(batch))
    return Loss(
        total=over_samples(relative, batch),
        parts={"nrmse": over_samples(relative.detach().sqrt(), batch)},
    )
