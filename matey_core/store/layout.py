"""Names and rules of the store, as specified in docs/format.md."""

from typing import Any

from matey_core.fields import Field, can_name_a_field

LAYOUT = 2
"""Version of the layout, in the group's attribute `matey_layout`."""
SUFFIX = ".zarr"
SPLITS = ("train", "validation", "test")
"""Meaning of the values 0, 1 and 2 of the array `split`."""
PARAMETER = "param_"
"""Prefix of the arrays that hold parameters of the equation."""
SAMPLE_TIME = "sample_time"
"""Array of the times of each sample, where they differ."""
DIMENSIONLESS = "1"
"""Unit of what has none, as the CF conventions write it."""


def is_field_name(name: str) -> bool:
    """Whether a store may have a field of this name: what is written can be read again."""
    # Earlier versions wrote every identifier, `_u` and `param_u` among them.
    return can_name_a_field(name) or name.isidentifier()


def describe(
    field: Field, *, is_static: bool, statistics: dict[str, float], missing: int
) -> dict[str, Any]:
    """Plain values that say all about a field."""
    return {
        "name": field.name,
        "unit": field.unit,
        "component": list(field.component),
        "pseudo": field.is_pseudo,
        "vector": field.vector,
        "bounds": list(field.bounds),
        "static": is_static,
        "missing": missing,
        "statistics": statistics,
    }


def field_of(described: dict[str, Any]) -> Field:
    """Undo `describe`."""
    low, high = described["bounds"]
    return Field(
        name=described["name"],
        unit=described["unit"],
        component=tuple(described["component"]),
        is_pseudo=described["pseudo"],
        bounds=(None if low is None else float(low), None if high is None else float(high)),
        vector=described.get("vector", ""),
    )
