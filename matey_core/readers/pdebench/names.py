"""What PDEBench calls things: families, fields, boundaries and parameters.

Boundary conditions are stored in no file; they follow from the family and, for
compressible flow, from the file's name.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from matey_core.fields import Boundary, Field

SUFFIX = re.compile(r"\.(h5|hdf5|hdf|he5)$", re.IGNORECASE)
MOST_YAML = 2**16
"""Characters of a config; published ones have about 1,000."""


@dataclass(frozen=True, slots=True)
class Family:
    """One equation: its fields in channel order, its boundary, and what it keeps."""

    fields: tuple[Field, ...]
    boundary: Boundary
    conserved: tuple[str, ...] = ()
    """Fields whose mean stays, by the equations and in the published files."""
    directed: tuple[str, ...] = ()
    """Axes along which the equations tell one direction from the other."""


def _scalar(name: str, *, positive: bool = False) -> Field:
    return Field(name=name, bounds=(0.0 if positive else None, None))


def _vector(name: str, axis: str) -> Field:
    return Field(name=f"{name}_{axis}", component=(axis,))


VELOCITY = tuple(_vector("velocity", axis) for axis in ("x", "y", "z"))
FORCE = (_vector("force", "x"), _vector("force", "y"))
TRACER = _scalar("tracer")
PERMEABILITY = _scalar("diffusion_coefficient", positive=True)
FLOW = {
    "density": _scalar("density", positive=True),
    "pressure": _scalar("pressure", positive=True),
    "Vx": VELOCITY[0],
    "Vy": VELOCITY[1],
    "Vz": VELOCITY[2],
}
"""Arrays of compressible flow, in channel order."""

DIFFUSION_REACTION = Family((_scalar("activator"), _scalar("inhibitor")), "no_flux")
SHALLOW_WATER = Family((_scalar("height", positive=True),), "outflow", conserved=("height",))
# What flows in on the left diffuses to the right.
DIFFUSION_SORPTION = Family((_scalar("concentration", positive=True),), "unknown", directed=("x",))
# The speed is a constant that mirroring does not turn.
ADVECTION = Family(
    (_scalar("concentration"),), "periodic", conserved=("concentration",), directed=("x",)
)
# Its mean is conserved as well; rounding moves it by 1e-4 of the amplitude in the files.
BURGERS = Family((VELOCITY[0],), "periodic")
REACTION_DIFFUSION_1D = Family((_scalar("reactant"),), "periodic")
DARCY = Family((_scalar("u"),), "dirichlet")
INCOMPRESSIBLE = Family((*VELOCITY[:2], TRACER), "no_slip")
UNKNOWN = Family((_scalar("u"),), "unknown")

_PARAMETER = re.compile(r"(?:^|_)(M|Eta|Zeta|beta|Nu|Rho)(\d+\.?\d*(?:[eE][-+]?\d+)?)(?=_|$)")
_RENAMED = {"m": "mach"}
_STACKED = {"beta", "nu", "rho", "eta", "zeta", "m"}
_BOOKKEEPING = {"t", "tdim", "xdim", "ydim", "n", "seed", "t_end", "n_time_steps"}


def stem(name: str) -> str:
    """A file's name without an HDF5 suffix; dots elsewhere, as in `Nu0.5`, are kept."""
    return SUFFIX.sub("", name)


def flow_boundary(name: str) -> Boundary:
    """Boundary of a compressible-flow file, which only its name tells."""
    parts = stem(name).lower().split("_")
    if "periodic" in parts:
        return "periodic"
    return "outflow" if "trans" in parts else "unknown"


def stacked_parameters(name: str, attributes: Mapping[str, Any]) -> dict[str, float]:
    """Parameters of a stacked file: from its attributes, else from its name."""
    named = {key.lower(): float(value) for key, value in _PARAMETER.findall(stem(name))}
    stored = {key.lower(): number(attributes[key]) for key in attributes}
    known = named | {k: v for k, v in stored.items() if k in _STACKED and v is not None}
    return {parameter(key): value for key, value in known.items()}


def parameter(name: str) -> str:
    """Our name of a parameter: lower case, `mach` for `M`."""
    return _RENAMED.get(name.lower(), name.lower())


def scalar_family(name: str, parameters: Mapping[str, float]) -> Family:
    """Which 1D equation a lone `tensor` holds."""
    lower = name.lower()
    if "advection" in lower:
        return ADVECTION
    if "burgers" in lower:
        return BURGERS
    if "reacdiff" in lower:
        return REACTION_DIFFUSION_1D
    if "beta" in parameters:
        return ADVECTION
    if "nu" in parameters:
        return REACTION_DIFFUSION_1D if "rho" in parameters else BURGERS
    return UNKNOWN


def grouped_family(name: str, config: Mapping[str, Any], *, axes: int, channels: int) -> Family:
    """Which equation a file of sample groups holds: by config, name, then shape."""
    known = {
        "diff-react": (DIFFUSION_REACTION, 2),
        "rdb": (SHALLOW_WATER, 2),
        "diff-sorp": (DIFFUSION_SORPTION, 1),
    }
    named = config.get("name", "")
    for text in (named if isinstance(named, str) else "", name):
        for key, (family, needed) in known.items():
            if key in text.lower() and axes == needed and channels == len(family.fields):
                return family
    by_shape = {(2, 2): DIFFUSION_REACTION, (2, 1): SHALLOW_WATER, (1, 1): DIFFUSION_SORPTION}
    if (axes, channels) in by_shape:
        return by_shape[axes, channels]
    return Family(tuple(_scalar(f"u{index}") for index in range(channels)), "unknown")


def plain_yaml(text: str) -> dict[str, Any]:
    """Read a config; `${…}` references stay text, and what is no plain YAML mapping is empty."""
    if len(text) > MOST_YAML:
        return {}
    try:
        values = yaml.load(text, _PlainLoader)
    # PyYAML lets errors of dates, numbers and deep nesting pass.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError):
        return {}
    return values if isinstance(values, dict) else {}


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Knows no aliases: a few of them can stand for more values than any memory has."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Make a node, which is no alias."""
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def config_parameters(config: Mapping[str, Any]) -> dict[str, float]:
    """Constants of the equation in the `sim` part of a config, under lower-case names."""
    section = config.get("sim")
    values = section if isinstance(section, dict) else {}
    numbers = {str(key).lower(): number(value) for key, value in values.items()}
    return {
        key: value
        for key, value in numbers.items()
        if value is not None
        and key not in _BOOKKEEPING
        and not key.startswith(("x_", "y_"))
        and key.isidentifier()
    }


def number(value: Any) -> float | None:
    """Read a finite number, also from text; anything else is None."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
