"""Functions of numbers whose results do not depend on the batch, to the last bit."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

LANES = 16
"""What is left over after vectors of so many numbers may be computed, and round, differently."""


def apply(
    function: Callable[[Tensor], Tensor], values: Float[Tensor, "b *rest"]
) -> Float[Tensor, "b *rest"]:
    """Apply a function such as `torch.exp` to every number.

    Each sample begins a vector, so that the numbers of others do not decide where vectors end.

    Args:
        function: elementwise.
        values: (b, *rest).
    """
    flat = values.flatten(1)
    count = flat.shape[1]
    return function(pad(flat, (0, -count % LANES)))[:, :count].reshape(values.shape)
