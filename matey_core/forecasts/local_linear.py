"""The next change is linear in what is around a point: fitted to the history of each sample.

Of every point, the features are the values of all fields and of their last changes in the
(2r + 1)^a neighborhood, and a constant. Least squares over all points and all pairs of frames
of a history gives the coefficients of one sample, c_{k+1} ≈ W φ(z_k, c_k): a finite difference
scheme read off the data. They are kept while the forecast feeds on itself, so that what a
linear stencil has made is continued to rounding, and that what grows under them grows on:
compressible flow, for one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.forecasts import FORECASTS, ForecastConfig, Forecaster
from matey_core.forecasts._least_squares import coefficients, unexplained
from matey_core.forecasts._neighborhood import Neighborhood
from matey_core.forecasts._normalized import Normalized
from matey_core.forecasts._stencil import Stencil

SMALLEST_CHANGE = 1e-3
"""Fraction of a field's spread that a change is taken to have at least, as models do."""


@FORECASTS.register("local_linear")
class LocalLinearConfig(ForecastConfig):
    """Least squares in the history: the next change is linear in the neighborhood.

    Two frames have no pair of changes: then the next change is linear in the state alone. One
    frame is repeated.
    """

    name: Literal["local_linear"] = "local_linear"
    radius: Literal[1, 2] | None = None
    """Reach of the neighborhood along each axis, in points; by default 2, and 1 in 3D, where 2
    would be 125 points a field."""
    ridge: PositiveFloat = 1e-4
    """Ridge, relative to the features' mean squares; keeps noise from being fitted."""
    points: PositiveInt = 4096
    """Largest number of points of a grid that are fitted; the same ones every time."""

    def build(self) -> "LocalLinear":
        """Make the forecaster."""
        return LocalLinear(self)


Triple = tuple[Float[Tensor, "b c n"], Float[Tensor, "b c n"], Float[Tensor, "b c n"]]
"""A state, the change that led there, the change that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The stencil of each sample, and the frame from which it goes on."""

    past: Normalized
    stencil: Stencil
    weights: Float[Tensor, "b f c"]
    unexplained: Float[Tensor, "b c"]
    """Root mean square of what the fit leaves of the changes, relative to that of the changes, or
    to `SMALLEST_CHANGE` where that is larger; NaN where there is no fit."""
    last: Float[Tensor, "b c *space"]
    """The last known frame, in physical units."""

    def states(self) -> Iterator[Float[Tensor, "b c *space"]]:
        """Go on by the stencil, without end; see `Forecaster.states`."""
        known, last = self.stencil.neighborhood.known, self.last
        state, change = self.past.states[:, -1], self.past.changes[:, -1]
        while True:
            change = self.stencil.change(self.weights, state, change)
            state = state + change * self.past.typical
            values = self.past.restore(state).to(last.dtype).view_as(last)
            yield values if known is None else torch.where(known.view_as(last), values, last)


class LocalLinear(Forecaster):
    """Continues a history by the linear stencil that fits it best."""

    def __init__(self, config: LocalLinearConfig) -> None:
        self.config = config

    def states(self, batch: FieldBatch) -> Iterator[Float[Tensor, "b c *space"]]:
        """Fit, then feed on its own predictions; see `Forecaster.states`."""
        if batch.history.shape[1] == 1:
            return repeat(batch.history[:, -1])
        return self.fit(batch).states()

    @torch.no_grad()
    def fitted(self, batches: Iterable[FieldBatch]) -> "CommonStencil":
        """Fit one stencil to the frames that follow many histories; see `Forecaster.fitted`."""
        kept = list(batches)
        begun = [self._begun(batch) for batch in kept]
        common = Normalized.in_common([past for past, _ in begun])
        grams = []
        for batch, past, (_, stencil) in zip(kept, common, begun, strict=True):
            assert batch.targets is not None
            following = past.change_to(batch.targets[:, 0].flatten(2), known=_known(batch))
            triple = past.states[:, -1], past.changes[:, -1], following
            grams.append(self._products(past, stencil, [triple]))
        gram = torch.cat(grams).mean(0, keepdim=True)
        weights = coefficients(
            gram,
            (gram.shape[1] - common[0].states.shape[2],),
            ridge=self.config.ridge,
            rounding=torch.cat([past.rounding for past in common]).amax(0, keepdim=True),
        )
        return CommonStencil(self, common[0], weights)

    @torch.no_grad()
    def fit(self, batch: FieldBatch) -> Fit:
        """Fit to the history alone.

        Args:
            batch: a history of at least two frames; see `Forecaster.states`.
        """
        last = batch.history[:, -1]
        past, stencil = self._begun(batch)
        begin = 1 if stencil.has_changes else 0
        gram = self._products(
            past,
            stencil,
            [
                (past.states[:, index], past.changes[:, max(index - 1, 0)], past.changes[:, index])
                for index in range(begin, past.changes.shape[1])
            ],
        )
        num_features = gram.shape[1] - last.shape[1]
        num_state = (num_features + 1) // 2
        weights = coefficients(
            gram,
            (num_state, num_features) if stencil.has_changes else (num_features,),
            ridge=self.config.ridge,
            rounding=past.rounding,
        )
        return Fit(
            past=past,
            stencil=stencil,
            weights=weights,
            unexplained=unexplained(
                weights, gram, smallest=(SMALLEST_CHANGE / past.typical).squeeze(2)
            ),
            last=last,
        )

    def _begun(self, batch: FieldBatch) -> tuple[Normalized, Stencil]:
        """The history in units of its own, and the stencil that reads it."""
        known = _known(batch)
        past = Normalized.of(batch.history.flatten(3), known)
        stencil = Stencil(
            neighborhood=Neighborhood(
                grid=batch.spec.grid,
                radius=self.config.radius or (1 if batch.history.ndim == 6 else 2),
                known=known,
            ),
            has_changes=past.changes.shape[1] > 1,
        )
        return past, stencil

    def _products(
        self, past: Normalized, stencil: Stencil, triples: list[Triple]
    ) -> Float[Tensor, "b m m"]:
        """Mean products of the features of states, and of the changes that follow them."""
        points = self._points(past.states)
        counted = _counted(past.states[:, 0], stencil.neighborhood.known)
        gram = torch.zeros((), dtype=past.changes.dtype, device=past.changes.device)
        for state, before, following in triples:
            for some in stencil.blocks(state, points):
                features = stencil.features(state, before, some)
                rows = torch.cat([features, following[:, :, some]], dim=1)
                gram = gram + (rows * counted[:, :, some]) @ rows.mT
        return gram / gram[:, :1, :1].clamp(min=1)  # the first feature is 1: this counts rows

    def _points(self, states: Float[Tensor, "b t c n"]) -> Int[Tensor, " p"]:
        """Points that are fitted to: all, or the same random ones every time."""
        total, most = states.shape[3], self.config.points
        if total <= most:
            return torch.arange(total, device=states.device)
        generator = torch.Generator().manual_seed(0)
        return torch.randperm(total, generator=generator)[:most].sort().values.to(states.device)


class CommonStencil(Forecaster):
    """Continues every history by the same linear stencil."""

    def __init__(
        self, forecaster: LocalLinear, units: Normalized, weights: Float[Tensor, "1 f c"]
    ) -> None:
        """Keep what was found.

        Args:
            forecaster: knows the neighborhood.
            units: a history in the units of the weights.
            weights: (1, f, c) coefficients of all samples.
        """
        self.forecaster = forecaster
        self.units = units.mean[:1], units.spread[:1], units.typical[:1]
        self.weights = weights

    def states(self, batch: FieldBatch) -> Iterator[Float[Tensor, "b c *space"]]:
        """Go on by the stencil, without end; see `Forecaster.states`."""
        past, stencil = self.forecaster._begun(batch)
        device = past.states.device
        past = past.in_units(*(each.to(device) for each in self.units))
        return Fit(
            past=past,
            stencil=stencil,
            weights=self.weights.to(device).expand(batch.size, -1, -1),
            unexplained=torch.full_like(past.rounding, torch.nan),
            last=batch.history[:, -1],
        ).states()


def _known(batch: FieldBatch) -> Bool[Tensor, "b c n"] | None:
    """Cells that are known at some lead time; None if all are."""
    if batch.valid is None or batch.valid.all():
        return None
    return batch.valid.any(1).flatten(2)


def _counted(
    state: Float[Tensor, "b c n"], known: Bool[Tensor, "b c n"] | None
) -> Float[Tensor, "b 1 n"]:
    """1 where all fields are known that are known anywhere, 0 elsewhere."""
    if known is None:
        return torch.ones_like(state[:, :1])
    is_nowhere = ~known.any(2, keepdim=True)
    return (known | is_nowhere).all(1, keepdim=True).to(state.dtype)
