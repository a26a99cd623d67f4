"""Paths of all settings of a class, read from its source: completion cannot wait for torch."""

import ast
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from matey_cli.options.setting import SettingLine, constant, family, holders, section_of, value_of
from matey_cli.options.source import FoundClass, find

NOTHING: Mapping[str, Any] = MappingProxyType({})


def setting_paths(settings: str) -> list[str]:
    """List the settings and sections that a class has with its default parts.

    Args:
        settings: "module:Class".
    """
    module, _, name = settings.partition(":")
    owner = find(module, name)
    return [] if owner is None else sorted(set(_paths(owner)))


def _paths(owner: FoundClass, given: Mapping[str, Any] = NOTHING) -> Iterator[str]:
    """List the settings of a class whose section is by default as given, part and all."""
    if family(owner):
        yield str(constant(owner, "key", "name"))
    for name, line in _lines(owner, str(given.get("name") or "")).items():
        yield name
        if inner := section_of(line):
            value = given[name] if name in given else value_of(line.module, line.value)
            below = value if isinstance(value, dict) else NOTHING
            yield from (f"{name}.{path}" for path in _paths(inner, below))


def _lines(owner: FoundClass, part: str) -> Mapping[str, SettingLine]:
    """The declaration of each setting, of several the one nearest to the part."""
    found: dict[str, SettingLine] = {}
    for kind in holders(owner, part):
        for node in getattr(kind.node, "body", ()):
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                    if not name.startswith("_") and "ClassVar" not in ast.unparse(annotation):
                        found.setdefault(name, SettingLine(kind.module, annotation, value, ""))
    return found
