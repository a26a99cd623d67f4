"""Features of points, and the change that is linear in them, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.forecasts._neighborhood import Neighborhood

AT_ONCE = 2**21
"""Features that are held at once: 16 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stencil:
    """What is around a point: 1, all fields, and their last changes if there are any."""

    neighborhood: Neighborhood
    has_changes: bool

    def features(
        self,
        state: Float[Tensor, "b c n"],
        change: Float[Tensor, "b c n"],
        points: Int[Tensor, " p"],
    ) -> Float[Tensor, "b f p"]:
        """Features of some points.

        Args:
            state: (b, c, n) normalized, at all points of the grid.
            change: (b, c, n) the change that led there.
            points: (p,) which points.
        """
        parts = [self.neighborhood.around(state, points)]
        parts.insert(0, torch.ones_like(parts[0][:, :1]))
        if self.has_changes:
            parts.append(self.neighborhood.around(change, points))
        return torch.cat(parts, dim=1)

    def blocks(
        self, state: Float[Tensor, "b c n"], points: Int[Tensor, " p"]
    ) -> Iterator[Int[Tensor, " q"]]:
        """Cut points into blocks whose features fit into a bounded memory."""
        neighbors = (2 * self.neighborhood.radius + 1) ** self.neighborhood.grid.num_axes
        features = state.shape[0] * state.shape[1] * neighbors * (2 if self.has_changes else 1)
        yield from points.split(max(1, AT_ONCE // features))

    def change(
        self,
        weights: Float[Tensor, "b f c"],
        state: Float[Tensor, "b c n"],
        change: Float[Tensor, "b c n"],
    ) -> Float[Tensor, "b c n"]:
        """The change that follows, linear in the features of each point.

        Args:
            weights: (b, f, c) coefficients of each sample.
            state: (b, c, n) normalized.
            change: (b, c, n) the change that led there.
        """
        points = torch.arange(state.shape[2], device=state.device)
        blocks = [
            weights.mT @ self.features(state, change, some) for some in self.blocks(state, points)
        ]
        return torch.cat(blocks, dim=2)
