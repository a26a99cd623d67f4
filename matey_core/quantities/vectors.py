"""Components of vectors among names that are seen together, and names that only look so."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from matey_core.fields import Field
from matey_core.quantities.names import (
    AXIS_STEMS,
    LIKELY_NUMBERED,
    LONE_MOMENTA,
    NUMBERED,
    PAIRED,
    TENSORS,
    VELOCITY_LETTERS,
    WIND,
)
from matey_core.quantities.spelling import AXES, Spelling, normalized, spellings
from matey_core.quantities.units import is_speed

RANK_ONE = {
    stem: quantity
    for quantity in TENSORS
    if quantity.rank == 1
    for stem in (quantity.name, *quantity.stems)
}
SHORT = 2
"""Stems of so few letters say nothing before an axis or number: `xb`, `e1`."""
COUNTED = ({"1"}, {"1", "2"}, {"1", "2", "3"})
"""Numbers that are axes for certain; those from 0 may follow the order of an array."""


class LikelyVector(NamedTuple):
    """Fields that are components of one vector, or look like it."""

    names: tuple[str, ...]
    """In the order of their axes."""
    axes: tuple[str, ...]
    vector: str
    is_pseudo: bool
    is_certain: bool


def single_component(name: str) -> Field | None:
    """Describe a field whose name alone tells what it is a component of."""
    for found in spellings(name):
        quantity = RANK_ONE.get(found.rest)
        is_known = {
            "word": found.rest in WIND - {""} or quantity is not None,
            "letter": found.rest in WIND - {""} and (found.is_apart or found.rest != "vel"),
            "axis": quantity is not None and len(found.rest) > SHORT,
            "number": False,
            "polar": False,
        }[found.kind]
        if is_known:
            return Field(
                name=name,
                component=(_axis(found),),
                vector=_vector(found),
                is_pseudo=bool(quantity and quantity.is_pseudo),
            )
    return None


def may_be_alone(name: str, *, axes: int, is_flow: bool) -> bool:
    """Whether a scalar may be the only component that a vector has, as Burgers' `u` on a line.

    Args:
        name: of the scalar.
        axes: number of axes; on more than one, a flow has several components, or lacks some.
        is_flow: whether a flow's quantity is beside it, such as a pressure.
    """
    if axes > 1:
        return is_flow and normalized(name) in VELOCITY_LETTERS
    is_stem = normalized(name) in RANK_ONE and len(normalized(name)) > SHORT
    is_letter = any(each.kind == "letter" and each.rest in PAIRED for each in spellings(name))
    return is_stem or is_letter or (is_flow and normalized(name) in LONE_MOMENTA)


def groups(fields: Iterable[Field], units: Mapping[str, str]) -> Iterator[LikelyVector]:
    """Yield what scalars that share a stem and a unit seem to be, each name once."""
    left = {field.name: spellings(field.name) for field in fields}
    shared: dict[tuple[object, ...], dict[str, Spelling]] = defaultdict(dict)
    for name, found in left.items():
        for spelling in found:
            key = (*spelling[:4], spelling.is_apart, units.get(name, ""))
            shared[key][name] = spelling
    for members in shared.values():
        free = {name: spelling for name, spelling in members.items() if name in left}
        marks = [spelling.mark for spelling in free.values()]
        if len(set(marks)) == len(marks) and _is_alike(next(iter(free.values()), None), marks):
            yield _group(free, units)
            for name in free:
                del left[name]


def _is_alike(found: Spelling | None, marks: Collection[str]) -> bool:
    """Whether names look like components: numbers and letters stand for other things as well."""
    if found is None or (len(marks) == 1 and not (_is_numbered(found) and marks == ["1"])):
        return False
    if found.kind == "number":
        return _is_numbered(found) or found.rest in LIKELY_NUMBERED
    if found.kind == "polar":
        return found.rest in RANK_ONE or found.rest in WIND - {""}
    return found.kind != "letter" or {"u", "v"} <= {*marks} or found.rest in PAIRED


def _is_numbered(found: Spelling) -> bool:
    quantity = RANK_ONE.get(found.rest)
    is_vector = quantity is not None and quantity.name in NUMBERED and len(found.rest) > SHORT
    return found.kind == "number" and is_vector


def _group(members: Mapping[str, Spelling], units: Mapping[str, str]) -> LikelyVector:
    found = next(iter(members.values()))
    marks = {spelling.mark for spelling in members.values()}
    by_axis = {_axis(spelling): name for name, spelling in members.items()}
    quantity = RANK_ONE.get(found.rest)
    is_speedy = is_speed(units.get(next(iter(members)), "")) and {"u", "v"} <= marks
    is_known = {
        "word": True,
        "axis": quantity is not None
        or found.rest in AXIS_STEMS
        or (found.is_apart and found.place == "last"),
        "letter": is_speedy or (found.rest in PAIRED and bool(found.rest or found.level)),
        "number": _is_numbered(found) and marks in COUNTED,
        "polar": False,  # on Cartesian axes they are no components
    }
    return LikelyVector(
        names=tuple(sorted(members, key=lambda name: _axis(members[name]))),
        axes=tuple(sorted(by_axis)),
        vector=_vector(found),
        is_pseudo=bool(quantity and quantity.is_pseudo),
        is_certain=len(by_axis) == len(members) and is_known[found.kind],
    )


def _axis(found: Spelling) -> str:
    if found.kind == "number":
        return {"1": "x", "2": "y", "3": "z"}.get(found.mark, found.mark)
    return AXES[found.kind][found.mark]


def _vector(found: Spelling) -> str:
    """Name of the vector, the same for all its components and for no other of a store."""
    quantity = RANK_ONE.get(found.rest)
    name = quantity.name if quantity else "velocity" if found.rest in WIND else found.rest
    if found.kind == "letter" and name == found.rest:
        name = f"velocity_{name}"
    return f"{name}_{found.level}" if found.level else name


def with_vectors(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """Give scalars that are components for certain their axes."""
    units = {field.name: field.unit for field in fields}
    known: dict[str, Field] = {}
    for group in groups(undecided(fields), units):
        if group.is_certain and not _is_gradient(group, fields):
            for name, axis in zip(group.names, group.axes, strict=True):
                known[name] = Field(
                    name=name,
                    unit=units[name],
                    component=(axis,),
                    vector=group.vector,
                    is_pseudo=group.is_pseudo,
                )
    return tuple(known.get(field.name, field) for field in fields)


def _is_gradient(group: LikelyVector, fields: Iterable[Field]) -> bool:
    """Whether `u_x` and `u_y` stand beside `v_x`: they may be derivatives of a velocity."""
    names = {normalized(field.name).replace("_", "") for field in fields}
    return group.vector == "u" and not names.isdisjoint(("vx", "vy"))


def undecided(fields: Iterable[Field]) -> list[Field]:
    """Scalars of which nobody said that they are no components, and their names neither."""
    plain = (f for f in fields if not f.component and not f.vector and not f.is_pseudo)
    return [field for field in plain if field.bounds == (None, None)]
