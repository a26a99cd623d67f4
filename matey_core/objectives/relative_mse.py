"""Mean square error relative to the target's mean square, as in arXiv 2412.20601.

r = ⟨(p − t)²⟩ / (10⁻⁷ + ⟨t²⟩), with ⟨·⟩ the mean over space in physical units; the loss is
the mean of r over samples, lead times and fields.
"""

from matey_core.batches import FieldBatch, Prediction
from matey_core.objectives import OBJECTIVES, Loss
from matey_core.objectives._errors import over_samples, squared_error, squared_size

EPSILON = 1e-7
"""In the units of the squared field: fields far below 3·10⁻⁴ hardly count."""


@OBJECTIVES.register("relative_mse")
def relative_mse(prediction: Prediction, batch: FieldBatch) -> Loss:
    """Compute the mean of r; its part `nrmse` is the mean of √r."""
    relative = squared_error(prediction, batch) / (EPSILON + squared_size(batch))
    return Loss(
        total=over_samples(relative, batch),
        parts={"nrmse": over_samples(relative.detach().sqrt(), batch)},
    )
