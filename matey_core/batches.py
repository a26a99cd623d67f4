"""What passes from the loader to a model and back: windows, batches, predictions.

Shape letters, here and everywhere: `b` samples of a batch, `t` history frames,
`l` lead times, `c` fields, `*space` one, two or three space axes in the source's
order, `n` cells or tokens, `d` model width, `h` heads, `a` number of space axes.
Values outside a model are always in physical units.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.fields import FieldSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A few frames of one trajectory and what follows them."""

    history: Float[Tensor, "t c *space"]
    targets: Float[Tensor, "l c *space"]
    lead_steps: Int[Tensor, "l"]
    """Stored frames between the last frame of the history and each target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldBatch:
    """Windows of one store, stacked; the only thing a model is given."""

    spec: FieldSpec
    history: Float[Tensor, "b t c *space"]
    lead_steps: Int[Tensor, "b l"]
    targets: Float[Tensor, "b l c *space"] | None = None
    valid: Bool[Tensor, "b l c *space"] | None = None
    """Where targets are known; None where all are. Cells that are solid or missing hold a
    field's mean in history and targets, and count neither in losses nor in metrics."""
    change: Float[Tensor, "b l c"] | None = None
    """By how much each field typically changes up to each target, in physical units; None where
    nobody has measured it. In training, the same for all samples of a store."""
    given: Mapping[str, Float[Tensor, "b *any"]] = field(default_factory=dict)
    """What is known beside the states, by name and in physical units: (b,) parameters and
    (b, *space) fields that do not change in time. NaN is what a sample does not say."""

    @property
    def size(self) -> int:
        """Number of samples `b`."""
        return self.history.shape[0]

    def to(self, device: torch.device | str) -> "FieldBatch":
        """Move every tensor to `device`."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "FieldBatch":
        """Move every tensor to page-locked memory, from where a GPU fetches it by itself."""
        return self._map(Tensor.pin_memory)

    def select(self, samples: Tensor | slice) -> "FieldBatch":
        """Keep some samples, or put them in another order.

        Args:
            samples: (k,) integer indices, a (b,) boolean mask, or a slice.
        """
        return self._map(lambda tensor: tensor[samples])

    def parts(self, count: int) -> Iterator["FieldBatch"]:
        """Cut the batch into equal parts, one after another.

        Args:
            count: a divisor of the number of samples.
        """
        if count == 1:
            yield self
            return
        size = self.size // count
        for start in range(0, count * size, size):
            yield self.select(slice(start, start + size))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "FieldBatch":
        def perhaps(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor)

        return replace(
            self,
            history=change(self.history),
            lead_steps=change(self.lead_steps),
            targets=perhaps(self.targets),
            valid=perhaps(self.valid),
            change=perhaps(self.change),
            given={name: change(values) for name, values in self.given.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The states that a model expects, in physical units."""

    spec: FieldSpec
    values: Float[Tensor, "b l c *space"]
    lead_steps: Int[Tensor, "b l"]
    side_loss: Float[Tensor, ""] | None = None
    """What a model minimizes beside the objective while it trains, if anything."""
