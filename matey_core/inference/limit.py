"""Predicted frames that stay within what training data showed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.data import Ranges
from matey_core.rounding import ROUNDING, power_of_two

MARGIN = 1.25
"""How far a frame may depart, relative to the widest of the training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A field that was limited in a rollout."""

    field: str
    lead: int
    """First lead at which a trajectory was limited."""
    samples: int
    """Number of trajectories that were limited."""


class Limiter:
    """Scales down predicted frames that depart too far from what training data showed.

    The departure of a frame is the root mean square distance of a field from a mean over space:
    its standard deviation, and how far its own mean has moved. Two limits times `MARGIN` hold:

    - from the mean of the last known frame, that frame's standard deviation times the largest
      growth of the field in any training trajectory;
    - on a dataset of the training, from the nearest mean there, the largest standard deviation
      there, or that of the last known frame if it is larger.

    A frame that is not finite becomes the one before.

    Limits are fixed at the start of a rollout. Frames within them are not changed by a bit, and
    the device is never waited for.
    """

    def __init__(
        self,
        batch: FieldBatch,
        ranges: Ranges,
        *,
        missing: Bool[Tensor, "b c *space"] | None = None,
        is_first: bool = True,
    ) -> None:
        """Fix the limits.

        Args:
            batch: whose history the rollout starts from.
            ranges: what the model's training data showed; fields that no store has there are
                not limited.
            missing: (b, c, *space) points that do not count.
            is_first: whether the history is that of the first frames. Otherwise growth, which
                was measured from there, does not count on a dataset of the training.
        """
        self._missing = missing
        mean, start, _ = self._moments(batch.history[:, -1])
        bounds = [
            _bound(ranges, batch.spec.dataset, name, is_first=is_first) for name in batch.spec.names
        ]
        widest, lowest, highest, growth = torch.tensor(
            bounds, dtype=mean.dtype, device=mean.device
        ).unbind(1)
        is_at_rest = start <= ROUNDING * (mean.abs() + start)
        relative = MARGIN * torch.where(is_at_rest, torch.inf, start * growth)
        absolute = MARGIN * torch.maximum(start, widest)
        self.limit = torch.minimum(relative, absolute)
        """(b, c) largest departure; infinite where nothing is limited."""
        is_relative = relative < absolute
        self._lowest = torch.where(is_relative, mean, torch.minimum(mean, lowest))
        self._highest = torch.where(is_relative, mean, torch.maximum(mean, highest))
        self._lead = 0
        self.first: Int[Tensor, "b c"] = torch.zeros_like(start, dtype=torch.int64)
        """First lead at which a field was limited, from 1 on; 0 for none so far."""

    def __call__(
        self, states: Float[Tensor, "b l c *space"], before: Float[Tensor, "b c *space"]
    ) -> Float[Tensor, "b l c *space"]:
        """Limit the frames that follow those of the last call.

        Args:
            states: as predicted, in physical units.
            before: the frame before the first of them.
        """
        kept = []
        for state in states.unbind(1):
            before = self._limited(state, before)
            kept.append(before)
        return torch.stack(kept, dim=1)

    def _limited(
        self, state: Float[Tensor, "b c *space"], before: Float[Tensor, "b c *space"]
    ) -> Float[Tensor, "b c *space"]:
        mean, deviation, offset = self._moments(state)
        is_lost = ~(mean + deviation).isfinite() & self.limit.isfinite()
        center = mean.clamp(self._lowest, self._highest)
        departure = torch.hypot(deviation, mean - center)
        is_wide = ~(departure <= self.limit) & self.limit.isfinite()
        self._lead += 1
        self.first = torch.where((self.first == 0) & is_wide, self._lead, self.first)

        def row(values: Shaped[Tensor, "b c"]) -> Shaped[Tensor, "b c *one"]:
            return values.reshape(*values.shape, *[1] * (state.ndim - 2))

        scaled = row(center) + (offset + row(mean - center)) * row(self.limit / departure)
        kept = torch.where(row(is_wide), scaled.to(state.dtype), state)
        return torch.where(row(is_lost), before, kept)

    def _moments(
        self, state: Float[Tensor, "b c *space"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c *space"]]:
        """Mean and standard deviation over the points that count, and the offset from the mean."""
        counts = None if self._missing is None else ~self._missing
        one = (1,) * (state.ndim - 2)
        mean = _mean(state.float(), counts)
        offset = state.float() - mean.reshape(*mean.shape, *one)
        if counts is not None:
            offset = torch.where(counts, offset, 0)
        unit = power_of_two(offset.abs().flatten(2).amax(2))  # squares stay within float32
        squares = (offset / unit.reshape(*mean.shape, *one)).square()
        return mean, unit * _mean(squares, counts).sqrt(), offset


def first_limited(first: Int[Tensor, "samples c"], names: Sequence[str]) -> tuple[Limited, ...]:
    """Say which fields were limited, and from where on.

    Args:
        first: first lead of each trajectory and field; 0 for none.
        names: of the fields.
    """
    found = []
    for channel, name in enumerate(names):
        leads = [lead for lead in first[:, channel].tolist() if lead]
        if leads:
            found.append(Limited(field=name, lead=min(leads), samples=len(leads)))
    return tuple(found)


def _mean(
    values: Float[Tensor, "b c *space"], counts: Bool[Tensor, "b c *space"] | None
) -> Float[Tensor, "b c"]:
    """Mean over the points that count; 0 where none does."""
    axes = tuple(range(2, values.ndim))
    if counts is None:
        return values.mean(axes)
    return torch.where(counts, values, 0).sum(axes) / counts.sum(axes).clamp(min=1)


def _bound(
    ranges: Ranges, dataset: str, name: str, *, is_first: bool
) -> tuple[float, float, float, float]:
    """Deviation, lowest and highest mean, and growth of a field; infinite where not known."""
    own = ranges.get(dataset, {}).get(name)
    if own is None:
        others = [fields[name].growth for fields in ranges.values() if name in fields]
        return math.inf, math.inf, -math.inf, max(others, default=math.inf)
    if own.deviation == 0:  # it was 0 all the time
        return math.inf, math.inf, -math.inf, math.inf
    return own.deviation, own.lowest, own.highest, own.growth if is_first else math.inf
