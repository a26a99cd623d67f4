"""Errors of a rollout that repeat from patch to patch, or jump where patches meet."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import FieldSpec
from matey_core.inference._patch_power import Contrast, edges, harmonics, jumps, spectrum

Kind = Literal["edges", "harmonics"]

RATIO = 3.0
"""Power over that of its surroundings from which on a pattern counts."""
SIGMAS: dict[Kind, float] = {"edges": 3.0, "harmonics": 5.0}
"""And standard deviations: more for harmonics, which are estimated from few wavenumbers. Noise,
white or smooth, passes both (see the tests for how often)."""
RUN = 3
"""Frames at the end of a rollout through which a pattern must last."""

FEWEST = 4
"""Patches along an axis, without which a pattern cannot be told from chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchPower:
    """How far errors of one lead stand out at a patch size, along an axis, for a field."""

    field: str
    axis: str
    patch: int
    kind: Kind
    """`edges`: jumps between patches; `harmonics`: a pattern that all patches have in common."""
    ratio: float
    """Power over the median of its surroundings; NaN where there is nothing to compare."""
    sigmas: float

    @property
    def is_found(self) -> bool:
        """Whether it is more than chance."""
        return self.ratio >= RATIO and self.sigmas >= SIGMAS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A pattern that lasts to the end of a rollout."""

    last: PatchPower
    """At the last lead with finite errors."""
    since: int
    """First lead of the unbroken run that ends there."""


class ArtifactTally:
    """Adds up power of errors, lead by lead, in memory that does not depend on the grid's size."""

    def __init__(self, spec: FieldSpec, patches: Iterable[int], steps: int) -> None:
        """Plan what to look at.

        Args:
            spec: fields and grid of the errors.
            patches: points per axis of all patch sizes.
            steps: number of leads.
        """
        self.spec = spec
        self.patches = sorted(patches)
        self._sums: list[dict[tuple[int, int], Tensor]] = [{} for _ in range(steps)]
        self._is_lost = [False] * steps

    def add(self, index: int, error: Float[Tensor, "b c *space"]) -> None:
        """Count the errors of some samples at one lead; every sample and field counts alike.

        Args:
            index: of the lead, from 0.
            error: (b, c, *space) prediction minus truth, 0 where the truth is not known.
        """
        error = error.double()
        size = error.square().flatten(2).mean(2).reshape(*error.shape[:2], *(1,) * (error.ndim - 2))
        if not bool(size.isfinite().all()):
            self._is_lost[index] = True
            return
        error = error / torch.where(size > 0, size, 1).sqrt()
        sums = self._sums[index]
        for axis, wraps in enumerate(self.spec.grid.periodic):
            found = {(axis, 0): jumps(error, axis, wraps=wraps)}
            for side in self._sides(axis):
                found[axis, side] = spectrum(error, axis, side, wraps=wraps)
            for key, power in found.items():
                sums[key] = sums.get(key, 0) + power.sum(0).cpu()

    def at(self, index: int) -> tuple[PatchPower, ...]:
        """List what was measured at a lead: for every field, axis, patch size and kind.

        Args:
            index: of the lead, from 0; nothing is listed where an error was not finite.
        """
        if self._is_lost[index] or not self._sums[index]:
            return ()
        return tuple(
            power
            for axis in range(self.spec.grid.num_axes)
            for side in self._sides(axis)
            for power in self._measured(self._sums[index], axis, side)
        )

    def _sides(self, axis: int) -> list[int]:
        """Patch sizes of which there are enough along an axis."""
        size = self.spec.grid.shape[axis]
        return [side for side in self.patches if side > 1 and FEWEST * side <= size]

    def _measured(
        self, sums: dict[tuple[int, int], Tensor], axis: int, side: int
    ) -> list[PatchPower]:
        grid, sides = self.spec.grid, self._sides(axis)
        finer = next((s for s in reversed(sides) if s < side), None)
        coarser = next((s for s in sides if s > side), None)
        contrasts: dict[Kind, Contrast] = {
            "edges": edges(sums[axis, 0], side, coarser),
            "harmonics": harmonics(
                sums[axis, side], grid.shape[axis], side, finer, wraps=grid.periodic[axis]
            ),
        }
        return [
            PatchPower(
                field=field,
                axis=grid.axes[axis],
                patch=side,
                kind=kind,
                ratio=float(contrast.ratio[index]),
                sigmas=float(contrast.sigmas[index]),
            )
            for kind, contrast in contrasts.items()
            for index, field in enumerate(self.spec.names)
        ]


def lasting(leads: Sequence[tuple[PatchPower, ...]]) -> tuple[Artifact, ...]:
    """List the patterns that last to the last lead with finite errors, the strongest first.

    Args:
        leads: what `ArtifactTally.at` has for every lead.
    """
    known = [powers for powers in leads if powers]
    artifacts = []
    for place, last in enumerate(known[-1] if known else ()):
        run = 0
        while run < len(known) and known[-1 - run][place].is_found:
            run += 1
        if run >= min(RUN, len(known)):
            artifacts.append(Artifact(last=last, since=len(known) - run + 1))
    return tuple(sorted(artifacts, key=lambda artifact: -artifact.last.ratio))


def strongest(powers: Sequence[PatchPower]) -> dict[int, float]:
    """The largest ratio of each patch size over fields, axes and kinds; NaN where there is none."""
    largest: dict[int, float] = {}
    for power in powers:
        best = largest.setdefault(power.patch, math.nan)
        if not math.isnan(power.ratio) and not power.ratio <= best:
            largest[power.patch] = power.ratio
    return largest
