"""Settings laid over each other: defaults, a file, options, `--set`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from matey_cli.options.table import Given
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.config import Config

Upgrade = Callable[..., dict[str, Any]]
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
    from matey_core.config import read_toml, settings_file, validate, with_settings

    def today(values: dict[str, Any], source: str) -> dict[str, Any]:
        return upgrade(kind, values, source=source) if upgrade else values

    values: dict[str, Any] = {}
    _lay(values, nested(defaults or {}))
    if file is not None:
        _lay(values, _sections(kind, today(read_toml(settings_file(file)), str(file))))
    _lay(values, nested(given))
    values = today(with_settings(values, assignments or ()), "settings")
    return validate(kind, values, source=str(file) if file else "settings")


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Sections in sections, of values by their path."""
    from matey_core.config import put

    sections: dict[str, Any] = {}
    for path, value in flat.items():
        put(sections, path, value if isinstance(value, _PLAIN) else str(value), source="settings")
    return sections


def one_of(given: Given, **paths: str) -> None:
    """Refuse two budgets for the same thing.

    Args:
        given: what was typed.
        paths: name of an option -> its setting.

    Raises:
        ConfigError: more than one is given.
    """
    found = [f"--{name}" for name, path in paths.items() if path in given]
    if len(found) > 1:
        raise ConfigError(
            f"{' and '.join(found)} are budgets for the same thing.", remedy="Give one of them."
        )


def _sections(kind: "type[Config]", values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a part that stands there by its name alone as a section, to be added to."""
    from matey_core.config import PartConfig

    found = dict(values)
    for name, field in kind.model_fields.items():
        family = field.annotation
        if isinstance(family, type) and issubclass(family, PartConfig):
            value = found.get(name)
            found |= {name: {family.key: value}} if isinstance(value, str) else {}
    return found


_PLAIN = (str, bool, int, float, list, tuple, dict)


def _lay(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _lay(below[key], value)
        else:
            below[key] = dict(value) if isinstance(value, Mapping) else value
