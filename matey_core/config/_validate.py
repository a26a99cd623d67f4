"""From plain values to a settings object, with all mistakes in one message."""

import difflib
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic

from matey_core.config._base import Config
from matey_core.errors import ConfigError

AnyConfig = TypeVar("AnyConfig", bound=Config)


def validate(kind: type[AnyConfig], values: Mapping[str, Any], *, source: str) -> AnyConfig:
    """Build settings from plain values, as read from TOML or JSON.

    Types are strict: an integer may stand for a float, a list for a tuple and a
    string for a path; nothing else is converted.

    Args:
        kind: the settings class.
        values: nested dictionaries of plain values.
        source: where the values come from, for the error text.

    Raises:
        ConfigError: names every wrong or unknown key with its path.
    """
    try:
        return kind.model_validate_json(json.dumps(values), strict=True)
    except pydantic.ValidationError as error:
        problems = [_sentence(kind, problem) for problem in error.errors()]
    raise ConfigError(
        f"{source}: " + ("; ".join(problems)) + ".",
        remedy="docs/reference/settings.md lists every setting.",
    )


def _sentence(kind: type[Config], problem: Any) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        found = json.dumps(problem["input"], default=str)
        message = problem["msg"].removeprefix("Value error, ")
        return f"{path}: {message[:1].lower()}{message[1:]}, found {found}"
    known = _known_keys(kind, problem["loc"][:-1])
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
    return f"unknown setting {path!r}{hint}"


def _known_keys(kind: type[Config], path: tuple[int | str, ...]) -> list[str]:
    """Names of the settings at `path` below `kind`."""
    for part in path:
        field = kind.model_fields.get(str(part))
        nested = _config_class(field.annotation) if field else None
        if nested is None:
            return []
        kind = nested
    return list(kind.model_fields)


def _config_class(annotation: Any) -> type[Config] | None:
    options = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Config):
            return option
    return None


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)
