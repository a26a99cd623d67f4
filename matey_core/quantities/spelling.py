"""How the name of a component is taken apart: what it shares with others, and its axis."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal["axis", "letter", "number", "polar", "word"]
"""`x`, `y`, `z`; `u`, `v`, `w`; `1`, `2`, `3`; `r`, `theta`, `phi`; `eastward`, `northward`, …"""
AXES = {
    "axis": {"x": "x", "y": "y", "z": "z"},
    "letter": {"u": "x", "v": "y", "w": "z"},
    "polar": {"r": "r", "theta": "theta", "phi": "phi"},
    "word": {
        "eastward": "x",
        "zonal": "x",
        "northward": "y",
        "meridional": "y",
        "upward": "z",
        "vertical": "z",
    },
}
_MARKS = {kind: "|".join(marks) for kind, marks in AXES.items()} | {"number": r"\d{1,2}"}
_LEVEL = (
    r"(?P<level>\d+)_?(?:m|km|hpa|mb|pa)_(?P<core>.+)",  # 10m_u_component_of_wind
    r"(?P<level>\d{2,})_?(?P<core>[uvw])",  # 10u
    r"(?P<core>.*[a-z])_?(?P<level>\d{2,}|\d+(?=_?(?:m|km|hpa|mb)$))_?(?:m|km|hpa|mb|pa)?",  # u10
)


class Spelling(NamedTuple):
    """One way to read a name: its mark of an axis, and the rest, which components share."""

    kind: Kind
    place: str
    """Where the mark stands: `first`, `last`, `inside` or `alone`."""
    rest: str
    level: str
    """Height or pressure at the beginning or end, as in `u10` and `10m_u_component_of_wind`."""
    mark: str
    is_apart: bool
    """Whether something separates the mark from the rest."""


def normalized(name: str) -> str:
    """Write a name in small letters, with `_` for separators: `velocity_x` for `Velocity.X`."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def without_level(name: str) -> tuple[str, str]:
    """Split a normalized name into the name proper and its level, which may be empty."""
    for pattern in _LEVEL:
        if found := re.fullmatch(pattern, name):
            return found["core"], found["level"]
    return name, ""


@lru_cache(maxsize=4096)
def spellings(name: str) -> tuple[Spelling, ...]:
    """List all ways in which a name can be read as that of a component."""
    return tuple(_spellings(name))


def _spellings(name: str) -> Iterator[Spelling]:
    plain = normalized(name)
    core, level = without_level(plain)
    # `u_eastward` says it twice.
    core = re.sub(r"^[uvw]_(?=(?:eastward|northward|zonal|meridional)(?:_|$))", "", core)
    for kind in ("word", "axis", "letter", "polar"):
        yield from _read(kind, core, level)
    if found := re.fullmatch(rf"(.*[a-z])(_?)({_MARKS['number']})", plain):
        yield Spelling("number", "last", found[1], "", found[3], bool(found[2]))


def _read(kind: Kind, core: str, level: str) -> Iterator[Spelling]:
    mark = f"({_MARKS[kind]})"
    if re.fullmatch(mark, core):
        yield Spelling(kind, "alone", "", level, core, True)
    gap = "(_)" if kind == "word" else "(_?)"
    if found := re.fullmatch(rf"{mark}{gap}(.+)", core):
        yield Spelling(kind, "first", found[3], level, found[1], bool(found[2]))
    if found := re.fullmatch(rf"(.*[^_]){gap}{mark}", core):
        yield Spelling(kind, "last", found[1], level, found[3], bool(found[2]))
    if found := re.fullmatch(rf"(.+)_{mark}_(.+)", core):
        yield Spelling(kind, "inside", f"{found[1]}_{found[3]}", level, found[2], True)
