"""From plain values to a settings object, with all mistakes in one message."""

import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from matey_core.config._base import Config
from matey_core.config._likely import likely
from matey_core.config._part import PartConfig
from matey_core.errors import ConfigError
from matey_core.files import check_is_utf8

EVERY_SETTING = "`matey config --explain` lists every setting, its values and its meaning."
"""Remedy where a setting is wrong or unknown."""
LARGEST = 2**63 - 1
"""The largest whole number that everything behind settings can hold."""
AnyConfig = TypeVar("AnyConfig", bound=Config)


def validate(
    kind: type[AnyConfig], values: Mapping[str, Any], *, source: str, remedy: str = EVERY_SETTING
) -> AnyConfig:
    """Build settings from plain values, as read from TOML or JSON.

    Types are strict: an integer may stand for a float, a list for a tuple and a
    string for a path; dates count as text, and nothing else is converted.

    Args:
        kind: the settings class.
        values: nested dictionaries of plain values.
        source: where the values come from, for the error text.
        remedy: where all settings are listed.

    Raises:
        ConfigError: names every wrong or unknown key with its path.
    """
    for number in _whole_numbers(values):
        if abs(number) > LARGEST:
            raise ConfigError(
                f"{source}: a whole number of {number.bit_length()} bits is above {LARGEST:,}.",
                remedy=remedy,
            )
    for text in _texts(values):
        check_is_utf8(text, ConfigError)
    try:
        return kind.model_validate_json(json.dumps(values, default=str), strict=True)
    except pydantic.ValidationError as error:
        problems = mistakes(kind, error)
    except (RecursionError, ValueError) as error:
        problems = [f"settings that cannot be read: {error}"]
    raise ConfigError(
        f"{source}: {ended('; '.join(problems))}",
        remedy=remedy,
    )


def _whole_numbers(values: Any) -> Iterator[int]:
    if isinstance(values, int):
        yield values
    elif isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _whole_numbers(value)


def ended(sentence: str) -> str:
    """The sentence with a full stop, unless it ends as one already."""
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def mistakes(kind: type[Config], error: pydantic.ValidationError) -> list[str]:
    """Say what is wrong with settings, each wrong or unknown key with its path.

    Args:
        kind: the settings class.
        error: what pydantic raised for it.
    """
    return list(_sentences(kind, error.errors(), list(_paths(kind))))


def _sentences(
    kind: type[Config], problems: Sequence[Any], paths: Sequence[str], above: str = ""
) -> Iterator[str]:
    """Say what is wrong, problem by problem; `above` is the path of the settings of `kind`."""
    for problem in problems:
        path = ".".join(filter(None, (above, *map(str, problem["loc"]))))
        where = f"{path}: " if path else ""
        if problem["type"] == "part_settings":
            yield from _sentences(problem["ctx"]["part"], problem["ctx"]["errors"], paths, path)
        elif problem["type"] == "part_unknown":
            yield f"{where}{problem['msg']}"
        elif problem["type"] == "extra_forbidden":
            known = _known_keys(kind, problem["loc"][:-1])
            yield _unknown(path, known, paths, _elsewhere(kind, problem["loc"]))
        else:
            message = problem["msg"].removeprefix("Value error, ")
            # A check of several settings says itself which of them it means.
            is_of_several = problem["type"] == "value_error" and isinstance(problem["input"], dict)
            found = "" if is_of_several else f", found {json.dumps(problem['input'], default=str)}"
            yield f"{where}{message[:1].lower()}{message[1:]}{found}"


def _unknown(path: str, known: Sequence[str], paths: Sequence[str], elsewhere: str) -> str:
    section = path.rpartition(".")[0]
    beside = [f"{section}.{name}" if section else name for name in known]
    # A name that another part has is no slip of the pen.
    near = None if elsewhere else likely(path, [*beside, *paths])
    hint = f"; did you mean {near!r}?" if near else f"; known are {', '.join(known)}"
    return f"unknown setting {path!r}{hint if known else ''}{elsewhere}"


def _paths(kind: type[Config], above: str = "") -> Iterator[str]:
    """Paths of the settings of a class, with those that all parts of a section have."""
    for name, field in kind.model_fields.items():
        path = f"{above}.{name}" if above else name
        yield path
        if nested := config_class(field.annotation):
            yield from _paths(nested, path)


def _elsewhere(kind: type[Config], loc: tuple[int | str, ...]) -> str:
    """Name the other parts of the family that have such a setting."""
    if len(loc) != 1 or not issubclass(kind, PartConfig):
        return ""
    holders = [name for name, part in kind.parts() if str(loc[0]) in part.model_fields]
    return (
        f" ({' and '.join(holders)} {'has' if len(holders) == 1 else 'have'} it)" if holders else ""
    )


def _known_keys(kind: type[Config], path: tuple[int | str, ...]) -> list[str]:
    """Names of the settings at `path` below `kind`."""
    for part in path:
        field = kind.model_fields.get(str(part))
        nested = config_class(field.annotation) if field else None
        if nested is None:
            return []
        kind = nested
    return list(kind.model_fields)


def config_class(annotation: Any) -> type[Config] | None:
    """The settings class of a section; None for a value."""
    options = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    for option in options:
        if isinstance(option, type) and issubclass(option, Config):
            return option
    return None


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _texts(values: Any) -> Iterator[str | Path]:
    if isinstance(values, str | Path):
        yield values
    elif isinstance(values, Mapping | list | tuple):
        for value in values.values() if isinstance(values, Mapping) else values:
            yield from _texts(value)
