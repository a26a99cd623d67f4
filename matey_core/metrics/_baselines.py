"""The prediction that costs nothing."""

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch


def persistence(batch: FieldBatch) -> Float[Tensor, "b l c *space"]:
    """Repeat the last known frame for every lead time.

    Args:
        batch: windows with a history of at least one frame.

    Returns:
        (b, l, c, *space) a view, in physical units.
    """
    last = batch.history[:, -1:]
    return last.expand(-1, batch.lead_steps.shape[1], *last.shape[2:])
