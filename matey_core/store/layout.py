"""Names and rules of the store, as specified in docs/format.md."""

from typing import Any

from matey_core.fields import Field

LAYOUT = 1
"""Version of the layout, in the group's attribute `matey_layout`."""
SUFFIX = ".zarr"
PARTIAL = ".partial"
"""Added to the name of a store that is not complete."""
JOURNAL = "journal.jsonl"
PLAN = "plan.json"
SPLITS = ("train", "validation", "test")
"""Meaning of the values 0, 1 and 2 of the array `split`."""
MAX_CHUNK_BYTES = 8 * 2**20
PARAMETER = "param_"
"""Prefix of the arrays that hold parameters of the equation."""
DIMENSIONLESS = "1"
"""Unit of what has none, as the CF conventions write it."""


def frames_of_a_chunk(frame_bytes: int, num_frames: int) -> int:
    """Frames stored together: as many as fit into `MAX_CHUNK_BYTES`, at least one."""
    return max(1, min(num_frames, MAX_CHUNK_BYTES // frame_bytes))


def describe(field: Field, *, is_static: bool, statistics: dict[str, float]) -> dict[str, Any]:
    """Plain values that say all about a field."""
    return {
        "name": field.name,
        "unit": field.unit,
        "component": list(field.component),
        "pseudo": field.is_pseudo,
        "vector": field.vector,
        "bounds": list(field.bounds),
        "static": is_static,
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
        bounds=(low, high),
        vector=described.get("vector", ""),
    )
