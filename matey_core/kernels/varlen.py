"""torch's flash attention for sequences of unequal length: one call, on CUDA, in half precision."""

from itertools import accumulate

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from matey_core.errors import ConfigError
from matey_core.kernels import KERNELS
from matey_core.kernels._channels import in_eights
from matey_core.kernels._flash import WIDEST, hindrance
from matey_core.tokens import Segments, remember, to_device


@KERNELS.register("varlen")
def varlen(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Hand all sequences to torch's variable-length flash attention together.

    Raises:
        ConfigError: the tensors are not on a CUDA device of compute capability 8.0 or higher, not
            bfloat16 or float16, or their heads are wider than 256 channels.
    """
    if found := hindrance(q.device, v.dtype, q.shape[-1]):
        raise ConfigError(
            "model.kernel is varlen, which takes bfloat16 or float16 on a CUDA device since "
            f"Ampere, and heads of at most {WIDEST} channels; found {found}.",
            remedy="Set model.kernel=auto or, on a GPU, precision=bfloat16. The setting "
            "of a trained model is in its model.json.",
        )
    if segments.total == 0:
        return v
    offsets = _offsets(segments, q.device)
    longest = max(segments.lengths) if segments.equal is None else segments.equal

    def attend(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        mixed = varlen_attn(q, k, v, offsets, offsets, longest, longest, scale=scale)
        assert isinstance(mixed, Tensor)
        return mixed

    return in_eights(attend, q, k, v)


@remember
def _offsets(segments: Segments, device: torch.device) -> Int[Tensor, " s"]:
    """Where each sequence begins and, last, where all end; without sequences of nothing."""
    lengths = (length for length in segments.lengths if length)
    offsets = torch.tensor([*accumulate(lengths, initial=0)], dtype=torch.int32)
    return to_device(offsets, device)
