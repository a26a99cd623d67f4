"""What a field, a grid and a set of fields are: plain values, known without any library.

Values are always in physical units. Space axes keep the order of their source.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

Boundary = Literal["periodic", "outflow", "no_flux", "no_slip", "dirichlet", "unknown"]
BOUNDARIES: tuple[Boundary, ...] = (
    "periodic",
    "outflow",
    "no_flux",
    "no_slip",
    "dirichlet",
    "unknown",
)

RESERVED = ("sample", "time", "split", "sample_time", "zarr.json")
"""What lies in every store, or may; no field and no axis is called so."""
MOST_BYTES = 200
"""Of a name in a file system, which allows 255, room for suffixes left."""


def can_name_a_field(name: str) -> bool:
    """Whether a name can be that of an array in a store, and be printed as it is.

    It begins with a letter or number, and has no slash and nothing that cannot be seen;
    `param_` begins the names of parameters.
    """
    is_plain = re.fullmatch(r"[^\W_][^/\\]*", name) and name.isprintable()
    is_free = name not in RESERVED and not name.startswith("param_")
    return bool(is_plain) and is_free and len(name.encode()) <= MOST_BYTES


ANSWER = "_answer:"
"""Begins the names of answers. No field of a store has such a name."""


def answer_name(question: str) -> str:
    """Name of what a model is asked for beside the fields of stores, while it is trained."""
    return f"{ANSWER}{question}"


def is_answer(name: str) -> bool:
    """Whether a name is that of an answer, and not of a field of stores."""
    return name.startswith(ANSWER)


def can_name_a_parameter(name: str) -> bool:
    """Whether a name can follow `param_` in that of an array in a store."""
    return bool(re.fullmatch(r"[^/\\\0]+", name)) and len(name.encode()) <= MOST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One physical quantity on the grid."""

    name: str
    unit: str = ""
    component: tuple[str, ...] = ()
    """Axes of the component: none for a scalar, ("x",) of a vector, ("x", "y") of a tensor."""
    is_pseudo: bool = False
    """Whether mirroring turns the sign once more, as of vorticity and of magnetic fields."""
    bounds: tuple[float | None, float | None] = (None, None)
    """Smallest and largest physically possible value, where there is one."""
    vector: str = ""
    """What the field is a component of, where its name does not tell: `velocity` for `uwnd`."""

    @property
    def quantity(self) -> str:
        """What the field is a component of: `velocity` for `velocity_x`; itself if a scalar."""
        if self.vector or not self.component:
            return self.vector or self.name
        return self.name.removesuffix(f"_{''.join(self.component)}")

    def reflection_sign(self, axis: str) -> int:
        """−1 where mirroring `axis` turns the field's sign, otherwise 1."""
        return -1 if (self.component.count(axis) + self.is_pseudo) % 2 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A uniform grid of one, two or three named axes."""

    axes: tuple[str, ...]
    """Names in storage order, such as ("x",), ("y", "x") or ("x", "y", "z")."""
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    """Distance between neighbouring points, per axis, in the units of the coordinate."""
    boundary: tuple[Boundary, ...]
    directed: tuple[str, ...] = ()
    """Names of axes along which mirroring changes the physics, as gravity does."""

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


MASK, SIZE = "mask", "size"
"""Names of what every store can give: 1 where cells are solid or missing, and 0 elsewhere; and the
last frame of the history in units of the training data, under the `size_key` of each field."""


def size_key(field: str) -> str:
    """Name of a field's size among what a model is given."""
    return f"{SIZE}:{field}"


GivenRole = Literal["plain", "linear", "joint"]
GIVEN_ROLES: tuple[GivenRole, ...] = ("plain", "linear", "joint")
"""`plain` has one scale for all samples. A `linear` source is divided by its size in each sample,
and what is predicted from a start of zeros is multiplied by it. A `joint` source divides all that
is given by its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenScale:
    """How a given quantity is brought to values of order one: (x − center) / spread.

    It is measured once, on the data that a model is first given it with.
    """

    center: float = 0.0
    spread: float = 1.0
    is_log: bool = False
    """Whether x is the quantity's logarithm."""
    is_required: bool = True
    """Whether all training data had it, so that a model does not work without it."""
    role: GivenRole = "plain"
    """What its size in each sample does; see `GIVEN_ROLES`."""

    @property
    def size(self) -> float:
        """What is typical of the quantity's size, in its own units."""
        return math.exp(self.center) if self.is_log else math.hypot(self.center, self.spread)
