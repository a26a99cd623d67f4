"""What each setting means, which values it takes, and what it is."""

import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import annotated_types
import pydantic_core
from pydantic.fields import FieldInfo

from matey_core.config._base import Config
from matey_core.config._part import PartConfig
from matey_core.config._validate import config_class


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFact:
    """One setting, or one section of settings."""

    path: str
    """Such as `model.tokenizer.patch`."""
    meaning: str
    """In words; may be empty for a section."""
    allowed: str
    """Values that it takes, in words."""
    value: Any
    """Plain value; None where it is not set; of a section, the name of its part if it has one."""
    default: Any
    """Likewise."""
    is_section: bool
    parts: tuple[str, ...] = ()
    """Names of the parts of which a section is one."""
    names_part: bool = False
    """It says which part its section is."""

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition(".")[2]


def explain(
    kind: type[Config], config: Config | None = None, *, above: str = ""
) -> Iterator[SettingFact]:
    """Describe all settings of a class, each section before the settings in it.

    Args:
        kind: settings class.
        config: whose values are shown; None for the defaults.
        above: path of the section that `kind` stands for.
    """
    sections = []
    for name, field in kind.model_fields.items():
        path = f"{above}.{name}" if above else name
        default = None if field.is_required() else _default(field)
        value = default if config is None else getattr(config, name)
        names_part = issubclass(kind, PartConfig) and name == kind.key
        if names_part:
            default = None  # so that a file which leaves out defaults still says the part
        if isinstance(value, Config):
            sections.append((_fact(path, field, value, default), value))
        else:
            yield replace(_fact(path, field, value, default), names_part=names_part)
    for fact, value in sections:
        yield fact
        yield from explain(type(value), value, above=fact.path)


def part_classes(kind: type[Config], path: str) -> dict[str, type[PartConfig]]:
    """Name → class of the parts that a section is chosen from; empty for any other setting."""
    inner: type[Config] | None = kind
    for name in path.split("."):
        field = inner.model_fields.get(name) if inner else None
        inner = config_class(field.annotation) if field else None
        if inner and "family" in vars(inner):
            family = typing.cast(type[PartConfig], inner)
            inner = family.family[family.default]
    if field is None or (chosen := _family(field)) is None:
        return {}
    return dict(chosen.parts())


def _fact(path: str, field: FieldInfo, value: Any, default: Any) -> SettingFact:
    family = _family(field)
    return SettingFact(
        path=path,
        meaning=" ".join((field.description or "").split()),
        allowed=_limited(_words(field.annotation), tuple(field.metadata)),
        value=_plain(value),
        default=_plain(default),
        is_section=isinstance(value, Config),
        parts=family.family.names() if family else (),
    )


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _family(field: FieldInfo) -> type[PartConfig] | None:
    inner = config_class(field.annotation)
    if inner is not None and issubclass(inner, PartConfig) and "family" in vars(inner):
        return inner
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, PartConfig):
        return value.part
    if isinstance(value, Config):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [
            each.model_dump(mode="json", exclude_none=True)
            if isinstance(each, Config)
            else _plain(each)
            for each in value
        ]
    return pydantic_core.to_jsonable_python(value)


def _words(annotation: Any) -> str:
    """The values of a type, in words."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _limited(_words(parts[0]), parts[1:])
    if origin is Literal:
        return _listed([json.dumps(part) for part in parts])
    if origin in (Union, types.UnionType):
        return _listed([_words(part) for part in parts if part is not type(None)])
    if origin in (tuple, list):
        each = _words(parts[0])
        return (
            f"list: {each}" if ... in parts or origin is list else f"list of {len(parts)}: {each}"
        )
    if origin is not None:
        return f"names, each with a value: {_words(parts[-1])}"
    if isinstance(annotation, type) and issubclass(annotation, PartConfig):
        return _listed([json.dumps(name) for name in annotation.family.names()])
    names = {bool: "true or false", int: "whole number", float: "number", Path: "path", str: "text"}
    return names.get(annotation, "section")


def _limited(words: str, metadata: tuple[Any, ...]) -> str:
    """Add the limits of a number to the words for its type."""
    limits = []
    for each in metadata:
        if isinstance(each, FieldInfo):
            limits += each.metadata
        else:
            limits.append(each)
    for limit in limits:
        match limit:
            case annotated_types.Gt(gt=0) if words == "whole number":
                words += " from 1"
            case annotated_types.Gt(gt=low):
                words += f" above {low:g}"
            case annotated_types.Ge(ge=low):
                words += f" from {low:g}"
            case annotated_types.Lt(lt=high):
                words += f" below {high:g}"
            case annotated_types.Le(le=high):
                words += f" to {high:g}"
    return words


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
