"""TOML files and `key=value` settings from the command line."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from matey_core.config._base import Config
from matey_core.errors import ConfigError
from matey_core.files import read_text

DEEPEST = 32
"""Sections in sections; settings have five."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file into plain values.

    Raises:
        ConfigError: the file is missing or is not TOML, is nested too deep, or has a null
            character.
    """
    try:
        values = tomllib.loads(read_text(path).removeprefix("\ufeff"))  # the mark of Windows
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            remedy="Give the path of a readable TOML file.",
        ) from error
    # A number of thousands of digits is a mere ValueError.
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not valid TOML: {error}.", remedy="Correct the file at that place."
        ) from error
    _check(values, str(path))
    return values


def shipped_settings() -> dict[str, Path]:
    """Find the settings files that come with matey: name → file."""
    package = Path(str(resources.files("matey_core")))
    # In a wheel they are inside the package, in a clone beside it.
    folders = (package / "configs", package.parent / "configs")
    found = next((folder for folder in folders if folder.is_dir()), None)
    return {file.stem: file for file in sorted(found.glob("*.toml"))} if found else {}


def settings_file(path: Path) -> Path:
    """Find a file of settings: a path, or the mere name of one that comes with matey.

    Raises:
        ConfigError: there is none.
    """
    shipped = shipped_settings()
    if path.exists():
        return path
    if len(path.parts) == 1 and path.name.removesuffix(".toml") in shipped:
        return shipped[path.name.removesuffix(".toml")]
    raise ConfigError(
        f"There is no settings file {path}.",
        remedy=f"Give the path of a TOML file, or one of {', '.join(shipped)}.",
    )


def write_toml(config: Config, path: Path) -> None:
    """Write settings so that `read_toml` gives them back. Unset (None) values are left out."""
    plain = json.loads(config.model_dump_json(exclude_none=True))
    path.write_text(tomli_w.dumps(plain), encoding="utf-8")


def with_settings(values: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Lay `path.to.key=value` settings over plain values.

    A value is read as TOML (`8`, `0.5`, `true`, `[16, 4]`) and, where that fails,
    taken as a string, so that names need no quotes.

    Raises:
        ConfigError: a setting has no `=`, or its path goes through a value.
    """
    merged = json.loads(json.dumps(values, default=str))
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise ConfigError(
                f"--set {setting!r} is not of the form key=value.",
                remedy="Write it as --set model.depth=8.",
            )
        source = f"--set {setting[:200]!r}"
        value = _value(text.strip())
        _check(value, source)
        put(merged, path.strip(), value, source=source)
    return merged


def put(values: dict[str, Any], path: str, value: Any, *, source: str) -> None:
    """Set one value in nested tables, which are made where there are none.

    Args:
        values: the tables.
        path: such as `model.width`.
        value: what the setting becomes.
        source: where the path comes from, for the error text.

    Raises:
        ConfigError: the path goes through a value.
    """
    *parents, last = path.split(".")
    if len(parents) > DEEPEST:
        raise ConfigError(
            f"{source}: the path of a setting has {len(parents) + 1} parts.",
            remedy="Write the path of a setting, such as model.depth.",
        )
    for part in parents:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise ConfigError(
                f"{source}: {part!r} is a value, not a section.",
                remedy="Write the path of a setting, such as model.depth.",
            )
    values[last] = value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _check(value: Any, source: str, depth: int = 0) -> None:
    """Refuse a null character in any text, since no path or name may have one, and deep tables."""
    if depth > DEEPEST:
        raise ConfigError(
            f"{source}: tables or lists lie in each other more than {DEEPEST} deep.",
            remedy="Write the path of a setting, such as model.depth.",
        )
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for each in value:
            _check(each, source, depth + 1)
    elif isinstance(value, str) and "\0" in value:
        raise ConfigError(
            f"{source}: the text {value[:200]!r} has a null character.",
            remedy="Write the text without it.",
        )
