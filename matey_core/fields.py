"""What passes through the doors: fields, grids, windows, batches, predictions.

Shape letters, here and everywhere: `b` samples of a batch, `t` history frames,
`l` lead times, `c` fields, `*space` one, two or three space axes in the source's
order, `n` cells or tokens, `d` model width, `h` heads, `a` number of space axes.
Values outside a model are always in physical units.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Component = Literal["scalar", "x", "y", "z"]
Boundary = Literal["periodic", "outflow", "no_flux", "no_slip", "dirichlet", "unknown"]
BOUNDARIES: tuple[Boundary, ...] = (
    "periodic",
    "outflow",
    "no_flux",
    "no_slip",
    "dirichlet",
    "unknown",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One physical quantity on the grid."""

    name: str
    unit: str = ""
    component: Component = "scalar"
    """Which component of a vector this is, or that it is a scalar."""
    bounds: tuple[float | None, float | None] = (None, None)
    """Smallest and largest physically possible value, where there is one."""

    def reflection_sign(self, axis: str) -> int:
        """−1 where mirroring `axis` turns the field's sign, otherwise 1."""
        return -1 if self.component == axis else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A uniform grid of one, two or three named axes."""

    axes: tuple[str, ...]
    """Names in storage order, such as ("x",), ("y", "x") or ("x", "y", "z")."""
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    """Distance between neighbouring points, per axis, in the units of the coordinate."""
    boundary: tuple[Boundary, ...]

    @property
    def num_axes(self) -> int:
        """One, two or three."""
        return len(self.shape)

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Whether each axis wraps around."""
        return tuple(boundary == "periodic" for boundary in self.boundary)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """What the trajectories of one store have in common."""

    fields: tuple[Field, ...]
    grid: Grid
    time_step: float
    """Time between two stored frames, in the units of the time coordinate."""
    dataset: str = ""
    """Name of the store the fields come from."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields' names, in the order of the channel axis `c`."""
        return tuple(field.name for field in self.fields)


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

    @property
    def size(self) -> int:
        """Number of samples `b`."""
        return self.history.shape[0]

    def to(self, device: torch.device | str) -> "FieldBatch":
        """Move every tensor to `device`."""
        targets = self.targets
        return replace(
            self,
            history=self.history.to(device, non_blocking=True),
            lead_steps=self.lead_steps.to(device, non_blocking=True),
            targets=None if targets is None else targets.to(device, non_blocking=True),
        )

    def select(self, samples: Tensor | slice) -> "FieldBatch":
        """Keep some samples, or put them in another order.

        Args:
            samples: (k,) integer indices, a (b,) boolean mask, or a slice.
        """
        targets = self.targets
        return replace(
            self,
            history=self.history[samples],
            lead_steps=self.lead_steps[samples],
            targets=None if targets is None else targets[samples],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The states that a model expects, in physical units."""

    spec: FieldSpec
    values: Float[Tensor, "b l c *space"]
    lead_steps: Int[Tensor, "b l"]
