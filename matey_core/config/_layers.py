"""Settings laid over others, as options over a file and an arm over what all arms share."""

import typing
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from matey_core.config._base import Config
from matey_core.config._part import PartConfig
from matey_core.config._validate import config_class
from matey_core.errors import ConfigError


def overlaid(
    kind: type[Config], below: Mapping[str, Any], above: Mapping[str, Any]
) -> dict[str, Any]:
    """Lay plain values over others; sections are merged.

    Where `above` names another part than `below`, what only the former part has is left out. A
    part in a list that stands there by its name alone keeps its settings of the list below.

    Args:
        kind: settings class of both.
        below: plain values.
        above: plain values that go before them.
    """
    found = exchanged(kind, below, above)
    for name, value in above.items():
        found[name] = _laid(_annotation(kind, name), found.get(name), value)
    return found


def exchanged(
    kind: type[Config], below: Mapping[str, Any], above: Mapping[str, Any]
) -> dict[str, Any]:
    """Leave out of `below` what only those parts have that `above` exchanges for others.

    Args:
        kind: settings class of both.
        below: plain values.
        above: plain values that will go before them.
    """
    found = dict(below)
    for name in below.keys() & above.keys() & kind.model_fields.keys():
        inner = config_class(kind.model_fields[name].annotation)
        if inner is None:
            continue
        if _is_family(inner):
            found[name] = _exchanged_part(inner, below[name], above[name])
        elif isinstance(below[name], Mapping) and isinstance(above[name], Mapping):
            found[name] = exchanged(inner, below[name], above[name])
    return found


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay tables over tables, whatever they mean; any other value replaces what is below it."""
    found = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if both else value
    return found


def _exchanged_part(family: type[PartConfig], below: Any, above: Any) -> Any:
    section, other = _section(family, below), _section(family, above)
    if section is None or other is None:
        return below
    old = section.get(family.key, family.default)
    new = other.get(family.key, old)
    with suppress(ConfigError, TypeError):  # no such part: that is said when settings are read
        had, has = family.family[old], family.family[new]
        if had is has:
            return exchanged(had, section, other)
        return _kept(section, had, has)
    return section


def _kept(section: Mapping[str, Any], had: type[Config], has: type[Config]) -> dict[str, Any]:
    """What `has` knows as well, and what `had` did not know either: that is a mistake to report."""
    found = {}
    for name, value in section.items():
        if name in had.model_fields and name not in has.model_fields:
            continue
        inner = [config_class(_annotation(kind, name)) for kind in (had, has)]
        if inner[0] is not None and inner[1] is not None and isinstance(value, Mapping):
            value = _kept(value, inner[0], inner[1])
        found[name] = value
    return found


def _annotation(kind: type[Config], name: str) -> Any:
    field = kind.model_fields.get(name)
    return field.annotation if field else None


def _laid(annotation: Any, below: Any, above: Any) -> Any:
    inner = config_class(annotation)
    if isinstance(above, Mapping):
        is_table = inner is not None or typing.get_origin(annotation) is dict
        if is_table and not _may_be_table(inner, below):
            return below  # a mistake, to be told when settings are read, whatever is laid over it
        if inner is not None and _is_family(inner):
            below = _section(inner, below)
            inner = _part_of(inner, {**(below or {}), **above})
        if not isinstance(below, Mapping):
            return dict(above)
        if inner is not None:
            return overlaid(inner, below, above)
        return {**below, **above}
    family = _family_of_items(annotation)
    if family is not None and isinstance(below, list | tuple) and isinstance(above, list | tuple):
        known = [section for part in below if (section := _section(family, part))]
        settings = {section.get(family.key): section for section in known}
        return [settings.get(part, part) if isinstance(part, str) else part for part in above]
    return above


def _part_of(family: type[PartConfig], section: Mapping[str, Any]) -> type[Config] | None:
    with suppress(ConfigError, TypeError):
        return family.family[section.get(family.key, family.default)]
    return None


def _section(family: type[PartConfig], value: Any) -> dict[str, Any] | None:
    """Write a part as a section; None for what is no part."""
    if isinstance(value, str):
        return {family.key: value}
    return dict(value) if isinstance(value, Mapping) else None


def _may_be_table(kind: type[Config] | None, value: Any) -> bool:
    """Whether a value is a table, or what stands for one: nothing, or the name of a part."""
    is_name = isinstance(value, str) and kind is not None and _is_family(kind)
    return value is None or isinstance(value, Mapping) or is_name


def _is_family(kind: type[Config]) -> typing.TypeGuard[type[PartConfig]]:
    return issubclass(kind, PartConfig) and "family" in vars(kind)


def _family_of_items(annotation: Any) -> type[PartConfig] | None:
    """The family of a list of parts."""
    if typing.get_origin(annotation) is not tuple:
        return None
    inner = config_class(typing.get_args(annotation)[0])
    return inner if inner is not None and _is_family(inner) else None
