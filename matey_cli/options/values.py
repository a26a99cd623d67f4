"""Values as they are typed, and what is said of those that cannot be."""

import difflib
from collections.abc import Iterable
from math import inf, isfinite
from typing import Any

from matey_cli.options.setting import Setting
from matey_core.errors import ConfigError

SI = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}


def typed(option: str, text: str, setting: Setting, *, hint: str = "") -> Any:
    """Read what was typed for a setting.

    Numbers may have an SI suffix, such as 2.5G; the items of a list stand between commas.

    Raises:
        ConfigError: says what the option takes.
    """
    if not setting.separator:
        return _one(option, text, setting, hint)
    parts = [part.strip() for part in text.split(setting.separator)]
    values = tuple(_one(option, part, setting, hint) for part in parts)
    return values if setting.separator == "," else text


def shares(text: str) -> dict[str, float]:
    """Read weights by name, such as NAME=2,OTHER=0.5.

    Raises:
        ValueError: it is no such list.
    """
    pairs = [part.rpartition("=") for part in text.split(",")]
    return {name.strip(): float(number) for name, _, number in pairs}


def num_bytes(text: str) -> int:
    """Read a size such as 8GB, 500 MB or 4GiB.

    Raises:
        ValueError: it is none.
    """
    units = {"": 1, "B": 1}
    for power, prefix in enumerate("KMGT", start=1):
        units |= {f"{prefix}B": 1000**power, f"{prefix}IB": 1024**power, prefix: 1000**power}
    number = text.strip().upper().rstrip("BIKMGT ")
    unit = text.strip().upper()[len(number) :].strip()
    count = float(number) * units.get(unit, 0)
    if not 1 <= count < inf:
        raise ValueError
    return int(count)


def allowed(setting: Setting) -> str:
    """The values that a setting takes, in words."""
    if setting.choices:
        return listed(setting.choices)
    one = {int: "a whole number", float: "a number"}.get(setting.kind, "a value")
    many = {int: "whole numbers", float: "numbers"}.get(setting.kind, "values")
    words = many if setting.separator else one
    if setting.low is not None and setting.high is not None:
        return f"{words} from {setting.low:g} to {setting.high:g}"
    if setting.low is not None:
        return f"{words} {'above' if setting.excludes_low else 'of at least'} {setting.low:g}"
    return words


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: a, b or c."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _one(option: str, text: str, setting: Setting, hint: str) -> Any:
    if setting.choices:
        return _choice(option, text, setting, hint)
    if setting.kind not in (int, float):
        return text
    value = _number(text)
    is_whole = value is not None and value.is_integer()
    if value is None or (setting.kind is int and not is_whole) or not _within(value, setting):
        each = " between commas" if setting.separator else ""
        raise ConfigError(
            f"{option} takes {allowed(setting)}{each}, not {text!r}.",
            remedy=f"Give {option} such a value, or leave it out.",
        )
    return int(value) if setting.kind is int else value


def _choice(option: str, text: str, setting: Setting, hint: str) -> str:
    if text in setting.choices:
        return text
    near = difflib.get_close_matches(text, setting.choices, n=1)
    raise ConfigError(
        f"{option} takes {allowed(setting)}, not {text!r}.",
        remedy=f"Did you mean {near[0]!r}?"
        if near
        else hint or f"Give {option} one of these names.",
    )


def _number(text: str) -> float | None:
    digits, factor = (text[:-1], SI[text[-1]]) if text[-1:] in SI else (text, 1.0)
    try:
        value = float(digits) * factor
    except ValueError:
        return None
    return value if isfinite(value) else None


def _within(value: float, setting: Setting) -> bool:
    low, high = setting.low, setting.high
    above = low is None or value > low or (value == low and not setting.excludes_low)
    return above and (high is None or value <= high)
