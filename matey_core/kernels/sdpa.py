"""torch's scaled dot product attention: fused, on any device, one call a length."""

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from matey_core.kernels import KERNELS
from matey_core.kernels._batches import by_length
from matey_core.tokens import Segments


@KERNELS.register("sdpa")
def sdpa(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Hand sequences of equal length to torch's fused attention together."""
    return by_length(scaled_dot_product_attention, q, k, v, segments)
