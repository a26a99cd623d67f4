"""What fields are called, and what their names say: vectors, signs under reflection, bounds.

A name keeps its spelling; case does not matter.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from matey_core.fields import Field
from matey_core.quantities.names import (
    ALIKE,
    BOUNDS,
    BUOYANT,
    COMPONENTS,
    FLOW,
    KELVIN,
    NAMED,
    POSITIVE,
    PSEUDOSCALARS,
    TENSORS,
    TURNING,
    VELOCITY_LETTERS,
    WARM,
)
from matey_core.quantities.spelling import normalized
from matey_core.quantities.standard_names import component_of, is_vorticity
from matey_core.quantities.units import is_rate, is_speed
from matey_core.quantities.vectors import (
    groups,
    may_be_alone,
    single_component,
    undecided,
    with_vectors,
)


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
    names: Iterable[str],
    *,
    units: Mapping[str, str] | None = None,
    standard_names: Mapping[str, str] | None = None,
) -> tuple[Field, ...]:
    """Describe fields by names that are seen together, which tells more than each alone.

    `u`, `v` and `w` are velocities if there are at least two of them and a flow's quantity
    beside them, such as a pressure or a density. Names that are not known are components of
    a vector if at least two share a stem, as `q_x` and `q_y`; of a tensor as `q_xx` and `q_xy`.
    Names that differ only by `u` and `v`, as `uo` and `vo`, are components if they share a unit.
    The unit must be a speed, or the rest of the name usual.

    Args:
        names: names of the fields of one store.
        units: units by name.
        standard_names: CF's standard names by name.
    """
    names = tuple(names)
    lower = {name.lower() for name in names}
    is_flow = len(lower & VELOCITY_LETTERS.keys()) > 1 and bool(lower & FLOW)
    fields = [_describe(name, (units or {}).get(name, ""), is_flow=is_flow) for name in names]
    shared = Counter(_group(field) for field in fields)
    stemmed = tuple(
        replace(field, component=tuple(field.name.rpartition("_")[2]))
        if shared[group := _group(field)] > 1 and group
        else field
        for field in fields
    )
    said = (_by_standard_name(f, (standard_names or {}).get(f.name, "")) for f in stemmed)
    return with_vectors(tuple(said))


def look_alikes(fields: Iterable[Field], *, axes: int = 3) -> tuple[tuple[str, ...], ...]:
    """Name the scalars that look like components of one vector, group by group.

    Those of which somebody said what they are have a `vector`, be it their own name.

    Args:
        fields: all fields of a store.
        axes: number of axes of the grid; along one, a vector has a single component.
    """
    fields = tuple(fields)
    scalars = undecided(fields)
    units = {field.name: field.unit for field in scalars}
    together = tuple(group.names for group in groups(scalars, units))
    grouped = {name for names in together for name in names}
    is_flow = any(field.name.lower() in FLOW for field in fields)
    alone = (
        (field.name,)
        for field in scalars
        if field.name not in grouped and may_be_alone(field.name, axes=axes, is_flow=is_flow)
    )
    return (*together, *alone)


def names_like(field: Field) -> Iterator[str]:
    """Names, in small letters, of scalars that are like one, the same quantity first."""
    name = field.name.lower()
    return (other for group in ALIKE if name in group for other in group if other != name)


def tells_of_gravity(field: Field, axes: Sequence[str]) -> bool:
    """Whether a field is one of a fluid in which up and down differ.

    Heat says so on a plane of which one axis is the height.
    """
    is_upright = len(axes) == 2 and "z" in axes
    return field.name.lower() in (BUOYANT | {*WARM} if is_upright else BUOYANT)


def names_a_field(name: str) -> bool:
    """Whether a name is one of a field, and not one that a trajectory might have."""
    lower = name.lower()
    is_usual = lower in VELOCITY_LETTERS or lower in NAMED or lower in FLOW - {"b"}
    field = known_field(name)
    is_known = bool(field.component) or field.is_pseudo or lower in BOUNDS or lower in KELVIN
    return is_usual or is_known


def _by_standard_name(field: Field, standard_name: str) -> Field:
    """Describe a scalar of which its name says nothing by what CF calls it."""
    if field not in undecided([field]):
        return field
    if found := component_of(standard_name):
        vector, axis = found
        return replace(field, component=(axis,), vector=vector)
    return replace(field, is_pseudo=is_vorticity(standard_name))


def _describe(name: str, unit: str, *, is_flow: bool) -> Field:
    lower = name.lower()
    if lower in VELOCITY_LETTERS and (is_flow or is_speed(unit)):
        return Field(name=name, unit=unit, component=(VELOCITY_LETTERS[lower],), vector="velocity")
    if lower in _COMPONENTS:
        vector, axis = _COMPONENTS[lower]
        return Field(name=name, unit=unit, component=(axis,), vector=vector)
    if field := _component(name, unit) or single_component(name):
        return replace(field, unit=unit)
    bounds = BOUNDS.get(lower, (None, None))
    if lower in KELVIN and unit == "K":
        bounds = POSITIVE
    is_turning = normalized(name) in TURNING and is_rate(unit)
    is_pseudo = lower in PSEUDOSCALARS or is_turning or is_vorticity(normalized(name))
    return Field(name=name, unit=unit, is_pseudo=is_pseudo, bounds=bounds)


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
