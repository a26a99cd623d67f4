"""Mean squares over space, which the objectives share."""

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction


def squared_error(prediction: Prediction, batch: FieldBatch) -> Float[Tensor, "b l c"]:
    """Mean over space of (p − t)², in at least float32."""
    assert batch.targets is not None
    return (prediction.values - batch.targets).square().flatten(3).mean(3)


def squared_size(batch: FieldBatch) -> Float[Tensor, "b l c"]:
    """Mean over space of the squared target."""
    assert batch.targets is not None
    return batch.targets.square().flatten(3).mean(3)


def history_size(batch: FieldBatch) -> Float[Tensor, "b 1 c"]:
    """Mean over the history's times and space of the squared field."""
    return batch.history.square().flatten(3).mean((1, 3))[:, None]
