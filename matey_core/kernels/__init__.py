"""How softmax(qkᵀ)v is computed on packed sequences: the door of the family."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from matey_core.registry import Registry
from matey_core.tokens import Segments


@runtime_checkable
class Kernel(Protocol):
    """Attention inside each sequence of a packed axis, none between sequences."""

    def __call__(
        self,
        q: Float[Tensor, "m h e"],
        k: Float[Tensor, "m h e"],
        v: Float[Tensor, "m h e"],
        segments: Segments,
    ) -> Float[Tensor, "m h e"]:
        """Return softmax(q kᵀ / √e) v, sequence by sequence and head by head.

        Args:
            q: (m, h, e) queries; the sequences lie one after another on `m`.
            k: (m, h, e) keys.
            v: (m, h, e) values.
            segments: lengths of the sequences; they add up to `m`.
        """
        ...


KERNELS: Registry[Kernel] = Registry(__name__)

__all__ = ["KERNELS", "Kernel"]
