"""A history in units of each field's own spread and change, in float64."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NOISE = 1e-6
"""A spread, or a change, below this fraction of a field's magnitude is float32 noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalized:
    """Values minus mean over spread, and changes over their root mean square."""

    states: Float[Tensor, "b t c n"]
    changes: Float[Tensor, "b m c n"]
    """Each frame's change to the next, `m = t − 1`, in units of `typical`."""
    mean: Float[Tensor, "b c 1"]
    spread: Float[Tensor, "b c 1"]
    typical: Float[Tensor, "b c 1"]
    """Root mean square of the changes over time and space, in units of the spread."""
    rounding: Float[Tensor, "b c"]
    """What rounding to float32 does to a value, in the units of `changes`."""

    @classmethod
    def of(
        cls, history: Float[Tensor, "b t c n"], known: Bool[Tensor, "b c n"] | None
    ) -> "Normalized":
        """Normalize a history of at least two frames; missing points become 0.

        Args:
            history: (b, t, c, n) in physical units.
            known: (b, c, n) points that are not missing; None if none is.
        """
        values = history.double()
        counted = torch.ones_like(values[:, :1]) if known is None else known[:, None].double()
        values = values if known is None else torch.where(known[:, None], values, 0)
        mean = _mean(values, counted)
        centred = (values - mean[:, None]) * counted
        spread = _mean(centred.square(), counted).sqrt()
        size = (mean.square() + spread.square()).sqrt()
        size = torch.where(size > 0, size, 1)
        spread = torch.where(spread > NOISE * size, spread, size)
        states = centred / spread[:, None]
        changes = states.diff(dim=1)
        typical = torch.maximum(_mean(changes.square(), counted).sqrt(), NOISE * size / spread)
        epsilon = torch.finfo(torch.float32).eps
        return cls(
            states=states,
            changes=changes / typical[:, None],
            mean=mean,
            spread=spread,
            typical=typical,
            rounding=(epsilon * size / spread / typical).squeeze(2),
        )

    @classmethod
    def in_common(cls, parts: Sequence["Normalized"]) -> list["Normalized"]:
        """The same histories, all in the units of all of them together."""
        mean, spread, change = (
            torch.cat([getattr(each, name) for each in parts])
            for name in ("mean", "spread", "size")
        )
        middle = mean.mean(0, keepdim=True)
        whole = (spread.square() + (mean - middle).square()).mean(0, keepdim=True).sqrt()
        typical = change.square().mean(0, keepdim=True).sqrt() / whole
        return [each.in_units(middle, whole, typical) for each in parts]

    @property
    def size(self) -> Float[Tensor, "b c 1"]:
        """Root mean square of the changes, in physical units."""
        return self.typical * self.spread

    def in_units(
        self,
        mean: Float[Tensor, "1 c 1"],
        spread: Float[Tensor, "1 c 1"],
        typical: Float[Tensor, "1 c 1"],
    ) -> "Normalized":
        """The same in other units than its own."""
        size = self.size / (typical * spread)
        return replace(
            self,
            states=(self.states * self.spread[:, None] + (self.mean - mean)[:, None])
            / spread[:, None],
            changes=self.changes * size[:, None],
            mean=mean.expand_as(self.mean),
            spread=spread.expand_as(self.spread),
            typical=typical.expand_as(self.typical),
            rounding=self.rounding * size.squeeze(2),
        )

    def change_to(
        self, frame: Float[Tensor, "b c n"], known: Bool[Tensor, "b c n"] | None
    ) -> Float[Tensor, "b c n"]:
        """The change from the last state to a frame in physical units; 0 where it is missing."""
        state = (frame.double() - self.mean) / self.spread
        change = (state - self.states[:, -1]) / self.typical
        return change if known is None else torch.where(known, change, 0)

    def restore(self, states: Float[Tensor, "b c n"]) -> Float[Tensor, "b c n"]:
        """Normalized states in physical units."""
        return states * self.spread + self.mean


def _mean(
    values: Float[Tensor, "b m c n"], counted: Float[Tensor, "b 1 c n"]
) -> Float[Tensor, "b c 1"]:
    """Mean over time and the points that count; values are 0 at the others."""
    num_values = counted.sum((1, 3)) * values.shape[1]
    return (values.sum((1, 3)) / num_values.clamp(min=1)).unsqueeze(2)
