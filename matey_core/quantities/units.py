"""What units tell of a quantity: a speed, a rate of turning."""

import re

_LENGTHS = "[ckm]?m|(?:kilo|centi|milli)?met(?:er|re)s?|miles?|nautical_miles?"
_TIMES = "s|secs?|seconds?|h|hrs?|hours?|d|days?|min|minutes?"
_MINUS_1 = r"(?:\*\*|\^)?(?:-1|\(-1\)|\{-1\})"
_SPEED = re.compile(
    rf"(?:{_LENGTHS})(?: ?/ ?| per )(?:{_TIMES})(?:(?:\*\*|\^)?1)?"
    # `m s-1`, and `m/s-1`, which is written by mistake and means no other.
    rf"|(?:{_LENGTHS})(?: ?/ ?|[.*·⋅_]| )?(?:{_TIMES}){_MINUS_1}"
    r"|knots?|kn|kts?|mph|kph|kmh|fps"
)
_RATE = re.compile(
    rf"(?:rad ?)?(?:1 ?/ ?|per )?(?:s|sec|second)|(?:rad )?(?:s|sec|second){_MINUS_1}"
)


def is_speed(unit: str) -> bool:
    """Whether a unit is that of a speed, as `m/s`, `m s**-1`, `m/sec` and `meter second-1`."""
    return bool(_SPEED.fullmatch(_plain(unit)))


def is_rate(unit: str) -> bool:
    """Whether a unit is that of a vorticity, as `1/s` and `s-1`; not that of a time."""
    plain = _plain(unit)
    return plain not in ("s", "sec", "second") and bool(_RATE.fullmatch(plain))


def _plain(unit: str) -> str:
    return " ".join(unit.lower().replace("⁻¹", "-1").replace("−", "-").split())
