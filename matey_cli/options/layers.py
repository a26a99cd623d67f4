"""Settings laid over each other: defaults, a file, options, `--set`."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from matey_cli import render
from matey_cli.options.table import Given
from matey_cli.options.values import listed
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.config import Config

Upgrade = Callable[..., dict[str, Any]]
LENGTHS = ("steps", "minutes")
"""Settings that say how long a training is."""
AnyConfig = TypeVar("AnyConfig", bound="Config")


def configure(
    kind: type[AnyConfig],
    given: Given,
    *,
    defaults: Mapping[str, Any] | None = None,
    file: Path | None = None,
    assignments: list[str] | None = None,
    upgrade: Upgrade | None = None,
) -> AnyConfig:
    """Make settings of what was typed.

    Args:
        kind: their class.
        given: path of a setting, such as "model.preset" -> value.
        defaults: likewise, below all others.
        file: TOML, below the options, or None.
        assignments: `key=value`, above all others.
        upgrade: gives settings of earlier versions the names of today.

    Raises:
        ConfigError: names every setting that is wrong or unknown.
    """
    from matey_core import config

    def today(values: dict[str, Any], source: str) -> dict[str, Any]:
        return upgrade(kind, values, source=source) if upgrade else values

    values = nested(defaults or {})
    found: dict[str, Any] = {}
    if file is not None:
        found = today(config.read_toml(config.settings_file(file)), str(file))
        values = config.overlaid(kind, values, found)
    typed = nested(given)
    above = config.with_settings(typed, assignments or ())
    values = _without_rivals(values, above)
    kept = config.exchanged(kind, values, above)
    if unused := [path for path in _left_out(values, kept) if _holds(found, path)]:
        render.note(f"Not used of {file}, as another part was chosen: {', '.join(unused)}.")
    values = config.with_settings(config.overlaid(kind, kept, typed), assignments or ())
    source = str(file) if file else "settings"
    try:
        return config.validate(kind, today(values, "settings"), source=source)
    except ConfigError as error:
        if named := _options_in(str(error), given):
            raise ConfigError(str(error), remedy=f"Change {listed(named)}.") from error
        raise


def _options_in(problem: str, given: Given) -> list[str]:
    """Options that were typed for settings that a problem names."""
    names = [path.removesuffix(".name").rpartition(".")[2] for path in given]
    found = [name for name in names if re.search(rf"\b{name}\b", problem)]
    return [f"--{name.replace('_', '-')}" for name in found]


def _without_rivals(values: dict[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out a length of the training that another one, which was typed, takes the place of."""
    if typed.keys().isdisjoint(LENGTHS):
        return values
    return {key: value for key, value in values.items() if key not in LENGTHS}


def _left_out(
    before: Mapping[str, Any], after: Mapping[str, Any], above: str = ""
) -> Iterator[str]:
    """Paths of settings, and of whole sections, that are only there before."""
    for name, value in before.items():
        if name not in after:
            yield above + name
        elif isinstance(value, Mapping) and isinstance(after[name], Mapping):
            yield from _left_out(value, after[name], f"{above}{name}.")


def _holds(values: Mapping[str, Any], path: str) -> bool:
    """Whether there is a setting at a path, or a section."""
    name, _, rest = path.partition(".")
    inner = values.get(name)
    return name in values and (not rest or (isinstance(inner, Mapping) and _holds(inner, rest)))


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Sections in sections, of values by their path."""
    from matey_core.config import put

    sections: dict[str, Any] = {}
    for path, value in flat.items():
        put(sections, path, value if isinstance(value, _PLAIN) else str(value), source="settings")
    return sections


def one_of(given: Given, what: str, **paths: str) -> None:
    """Refuse two options that set the same.

    Args:
        given: what was typed.
        what: they set, such as "the number of tokens".
        paths: name of an option -> its setting.

    Raises:
        ConfigError: more than one is given.
    """
    found = [f"--{name}" for name, path in paths.items() if path in given]
    if len(found) > 1:
        raise ConfigError(f"{' and '.join(found)} both set {what}.", remedy="Give one of them.")


_PLAIN = (str, bool, int, float, list, tuple, dict)
