"""What fields are called, and what their names say: vectors, signs under reflection, bounds.

A name keeps its spelling; case does not matter. Bounds come with full names only: `dens` and
`theta` are perturbations in many files. Even a full name has bounds only where every data set
agrees: pressure is known up to a constant in incompressible flow, a height may be a deviation.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from matey_core.fields import Field

POSITIVE = (0.0, None)
FRACTION = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A vector or tensor and what its components are called: a stem, then the axes."""

    name: str
    stems: tuple[str, ...] = ()
    """Other stems than the name: `v` for `Vx` and `v_x`."""
    rank: int = 1
    is_pseudo: bool = False


TENSORS = (
    Quantity("velocity", ("vel", "v", "wind")),
    Quantity("momentum", ("mom",)),
    Quantity("vorticity", ("vort", "omega"), is_pseudo=True),
    Quantity("magnetic_field", ("b", "mag", "magnetic"), is_pseudo=True),
    Quantity("electric_field", ("e", "electric")),
    Quantity("current_density", ("j", "current")),
    Quantity("angular_momentum", is_pseudo=True),
    Quantity("force", ("f", "forcing")),
    Quantity("acceleration"),
    Quantity("displacement", ("disp",)),
    Quantity("heat_flux"),
    Quantity("flux"),
    Quantity("gradient", ("grad",)),
    Quantity("orientation"),
    Quantity("stress", ("sigma", "tau"), rank=2),
    Quantity("reynolds_stress", rank=2),
    Quantity("polymer_stress", rank=2),
    Quantity("strain", ("epsilon",), rank=2),
    Quantity("strain_rate", rank=2),
    Quantity("velocity_gradient", rank=2),
    Quantity("deformation_gradient", rank=2),
    Quantity("conformation", rank=2),
)
COMPONENTS = {
    ("velocity", "x"): "uwnd uwind u_wind u_velocity u_component_of_wind eastward_wind",
    ("velocity", "y"): "vwnd vwind v_wind v_velocity v_component_of_wind northward_wind",
    ("velocity", "z"): "wwnd wwind w_wind w_velocity vertical_velocity upward_air_velocity",
    ("momentum", "x"): "rhou rho_u",
    ("momentum", "y"): "rhov rho_v",
    ("momentum", "z"): "rhow rho_w",
}
"""Names that do not end in their axis."""
PSEUDOSCALARS = {
    *("vorticity", "vort", "potential_vorticity", "streamfunction", "stream_function"),
    *("helicity", "circulation"),
}
"""In two dimensions, where what turns has one component, across the plane."""
BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "density": POSITIVE,
    "air_density": POSITIVE,
    "speed": POSITIVE,
    "kinetic_energy": POSITIVE,
    "enstrophy": POSITIVE,
    "viscosity": POSITIVE,
    "permeability": POSITIVE,
    "diffusion_coefficient": POSITIVE,
    "specific_humidity": POSITIVE,
    "volume_fraction": FRACTION,
    "mass_fraction": FRACTION,
}
KELVIN = {"temperature", "air_temperature", "potential_temperature", "air_potential_temperature"}
"""At least 0 where the unit is K; without one they may be scaled, or in degrees."""
VELOCITY_LETTERS = {"u": "x", "v": "y", "w": "z"}
FLOW = {
    *("density", "dens", "rho", "pressure", "pres", "p", "temperature", "temp", "t", "theta"),
    *("potential_temperature", "height", "h", "eta", "depth", "vorticity", "vort", "buoyancy", "b"),
    *("salinity", "energy", "geopotential", "tracer"),
}
"""Names beside which `u`, `v` and `w` are velocities."""
_SPEED = re.compile(r"[ckm]?m ?(/ ?|[.*]? ?(?=[sh](\*\*|\^)?-1$))[sh]((\*\*|\^)?-1)?")
_SUFFIX = re.compile(r"(?P<stem>.+)_(?P<axes>[xyz]{1,2})")


def known_field(name: str, *, unit: str = "") -> Field:
    """Describe a field by its name; one that is not known is a scalar without bounds.

    A lone `u`, `v` or `w` is a velocity only if its unit is a speed, such as `m/s`: in
    many data sets they are concentrations, or the solution of whatever equation.

    Args:
        name: kept as it is.
        unit: kept as it is.
    """
    return _describe(name, unit, is_flow=False)


def known_fields(
    names: Iterable[str], *, units: Mapping[str, str] | None = None
) -> tuple[Field, ...]:
    """Describe fields by names that are seen together, which tells more than each alone.

    `u`, `v` and `w` are velocities if there are at least two of them and a flow's quantity
    beside them, such as a pressure or a density. Names that are not known are components of
    a vector if at least two share a stem, as `q_x` and `q_y`; of a tensor as `q_xx` and `q_xy`.

    Args:
        names: names of the fields of one store.
        units: units by name.
    """
    names = tuple(names)
    lower = {name.lower() for name in names}
    is_flow = len(lower & VELOCITY_LETTERS.keys()) > 1 and bool(lower & FLOW)
    fields = [_describe(name, (units or {}).get(name, ""), is_flow=is_flow) for name in names]
    groups = Counter(_group(field) for field in fields)
    return tuple(
        replace(field, component=tuple(field.name.rpartition("_")[2]))
        if groups[group := _group(field)] > 1 and group
        else field
        for field in fields
    )


def _describe(name: str, unit: str, *, is_flow: bool) -> Field:
    lower = name.lower()
    if lower in VELOCITY_LETTERS and (is_flow or _SPEED.fullmatch(unit.lower())):
        return Field(name=name, unit=unit, component=(VELOCITY_LETTERS[lower],), vector="velocity")
    if lower in _COMPONENTS:
        vector, axis = _COMPONENTS[lower]
        return Field(name=name, unit=unit, component=(axis,), vector=vector)
    if field := _component(name, unit):
        return field
    bounds = BOUNDS.get(lower, (None, None))
    if lower in KELVIN and unit == "K":
        bounds = POSITIVE
    return Field(name=name, unit=unit, is_pseudo=lower in PSEUDOSCALARS, bounds=bounds)


def _component(name: str, unit: str) -> Field | None:
    """Read a name that is a known stem and its axes: `velocity_x`, `Vx`, `stress_xy`."""
    for quantity in TENSORS:
        stems = "|".join((quantity.name, *quantity.stems))
        found = re.fullmatch(f"({stems})_?([xyz]{{{quantity.rank}}})", name.lower())
        if found:
            axes = tuple(found[2])
            # The plain spelling tells the vector by itself.
            is_plain = name == f"{quantity.name}_{found[2]}"
            vector = "" if is_plain else quantity.name
            pseudo = quantity.is_pseudo
            return Field(name=name, unit=unit, component=axes, is_pseudo=pseudo, vector=vector)
    return None


def _group(field: Field) -> tuple[str, int] | None:
    """Stem and number of axes of a name such as `q_xy` that says nothing else."""
    found = re.fullmatch(r"(.+)_([xyz]{1,2})", field.name)
    return (found[1], len(found[2])) if found and not field.component else None


_COMPONENTS = {name: key for key, names in COMPONENTS.items() for name in names.split()}
