"""Tables of options: which option stands for which setting; the rest is made of the setting."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from matey_cli.options.setting import Setting, read
from matey_cli.options.values import listed, typed
from matey_core.errors import ConfigError
from matey_core.registry import Registry

Given = dict[str, Any]
"""Path of a setting -> value, of the options that were typed."""
METAVARS = {int: "INTEGER", float: "NUMBER", Path: "PATH", dict: "NAME=VALUE"}
LONGEST = 28
"""Characters that the choices may take beside the option; else they stand in the help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One option or argument, and the setting that it stands for."""

    name: str
    """Such as --steps; an argument has no dashes."""
    path: str
    """Such as model.tokenizer.name."""
    help: str = ""
    """Instead of the first sentence of the setting's docstring."""
    default: str = ""
    """What the help shows as the default, where the setting does not tell."""
    metavar: str = ""
    family: str = ""
    """Registry whose names are the choices, where the type of the setting does not tell."""
    parse: Callable[[str], Any] | None = None
    """Reads another notation than that of the type; a ValueError stands for a wrong value."""
    example: str = ""
    """What `parse` reads, for the error."""
    separator: str = ""
    """Stands between several choices in one text, such as + in gradient+innovation."""
    hint: str = ""
    """What is said of another value than the choices."""
    complete: Callable[[str], list[str]] | None = None
    """Completes values that are no choices."""
    repeats: bool = False
    """Each item of a list is given by an option of its own."""
    is_required: bool = False
    settings: str = ""
    """Another class than the table's: "module:Class"."""
    setting: str = ""
    """Path of the setting in that class, where it is not `path`."""
    value: Any = None
    """What a flag stands for, where the setting is no switch."""


def option(name: str, path: str = "", **details: Any) -> Row:
    """Make a row; without a path, the setting is called as the option is."""
    return Row(name=name, path=path or name.lstrip("-").replace("-", "_"), **details)


def options(names: str) -> tuple[Row, ...]:
    """Make rows of names with spaces between them, each called as its setting is."""
    return tuple(option(name) for name in names.split())


def from_settings(
    settings: str, *rows: Row, is_layered: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a table; it takes what was typed as its first argument.

    Its further parameters, which are no settings, are options as typer makes them.

    Args:
        settings: "module:Class", whose source is read and not imported.
        rows: the table.
        is_layered: settings may come from a file as well, so that every switch can be
            turned off.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        table = {_identifier(row): row for row in rows}

        @functools.wraps(function)
        def call(**values: Any) -> None:
            given: Given = {}
            for name, row in table.items():
                _give(given, row, values.pop(name), rows)
            with _named(rows, dict(given)):
                function(given, **values)

        own = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for each in list(inspect.signature(function).parameters.values())[1:]
        ]
        made = [_parameter(settings, row, is_layered=is_layered) for row in rows]
        call.__signature__ = inspect.Signature([*made, *own])  # type: ignore[attr-defined]
        call.table = (settings, rows)  # type: ignore[attr-defined]
        call.__annotations__ = {each.name: each.annotation for each in [*made, *own]}
        return call

    return decorate


def describe(settings: str, row: Row) -> Setting:
    """The setting of a row, with the choices of its family."""
    found = read(row.settings or settings, row.setting or row.path)
    if row.family:
        found = replace(found, choices=Registry[Any](row.family).names())
    return (
        replace(found, separator="")
        if row.repeats
        else replace(found, separator=row.separator or found.separator)
    )


@contextmanager
def _named(rows: tuple[Row, ...], given: Given) -> Iterator[None]:
    """Say by which options the settings were typed that an error is about."""
    try:
        yield
    except ConfigError as error:
        sections = [
            row
            for row in rows
            if "." in row.path and row.path in given and row.value in (None, given[row.path])
        ]
        names = [f"{row.name} is {row.path}." for row in sections if _is_about(row, str(error))]
        if not names:
            raise
        raise ConfigError(str(error), remedy=" ".join([*names, error.remedy])) from error


def _is_about(row: Row, problem: str) -> bool:
    """Whether a problem names the setting of a row, or quotes a section that it lies in."""
    *sections, _ = row.path.split(".")
    above = (".".join(sections[:count]) for count in range(2, len(sections) + 1))
    return row.path in problem or any(f"{section!r}" in problem for section in above)


def _identifier(row: Row) -> str:
    return row.name.lstrip("-").replace("-", "_").lower()


def _give(given: Given, row: Row, value: Any, rows: tuple[Row, ...]) -> None:
    if value is None or (row.value is not None and not value) or (row.repeats and not value):
        return
    value = tuple(value) if row.repeats else value if row.value is None else row.value
    if given.setdefault(row.path, value) != value:
        names = [each.name for each in rows if each.path == row.path]
        raise ConfigError(
            f"{' and '.join(names)} contradict each other: {given[row.path]} or {value}.",
            remedy="Give one of them.",
        )


def _parameter(settings: str, row: Row, *, is_layered: bool) -> inspect.Parameter:
    """Make the parameter that typer turns into the option."""
    setting = describe(settings, row)
    is_switch = setting.kind is bool or row.value is not None
    kind: Any = bool if is_switch else list[str] if row.repeats else str
    details: dict[str, Any] = {"help": _help(row, setting), "show_default": False}
    names = (row.name,)
    if not is_switch:
        details |= {
            "metavar": row.metavar or _metavar(row, setting),
            "callback": _reader(row, setting),
            "autocompletion": row.complete or _completer(setting),
        }
    elif row.value is None and (is_layered or setting.default):
        names = (f"{row.name}/--no-{row.name.lstrip('-')}",)
    if not row.name.startswith("-"):
        info = typer.Argument(**details)
    else:
        info = typer.Option(*names, **details)
    return inspect.Parameter(
        _identifier(row),
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if row.is_required else None,
        annotation=Annotated[kind if row.is_required else kind | None, info],
    )


def _metavar(row: Row, setting: Setting) -> str:
    if not row.name.startswith("-"):
        return row.name.upper()
    choices = "|".join(setting.choices)
    if choices and not setting.separator and len(choices) <= LONGEST:
        return f"[{choices}]"
    name = "NAME" if setting.choices else METAVARS.get(setting.kind, "TEXT")
    return f"{name}{setting.separator}…" if setting.separator else name


def _help(row: Row, setting: Setting) -> str:
    text = row.help or setting.meaning
    if setting.choices and not row.help and not _metavar(row, setting).startswith("["):
        text += f"  {'Of' if setting.separator else 'One of'} {listed(setting.choices)}."
    has_default = row.value is None and not row.is_required
    default = row.default or (_shown(setting.default) if has_default else "")
    return f"{text}  [default: {default}]" if default else text


def _shown(default: Any) -> str:
    """A default as one types it; empty where there is none."""
    if isinstance(default, bool) or default is None:
        return ""
    if isinstance(default, Mapping):
        return str(default.get("name", ""))
    if isinstance(default, tuple):
        return ",".join(map(_shown, default))
    return f"{default:g}" if isinstance(default, float) else str(default)


def _reader(row: Row, setting: Setting) -> Callable[[Any], Any]:
    label = row.name if row.name.startswith("-") else row.name.upper()

    def convert(text: str) -> Any:
        if row.parse is None:
            return typed(label, text, setting, hint=row.hint)
        try:
            return row.parse(text)
        except ValueError:
            raise ConfigError(
                f"{label} takes {row.metavar or 'a value'} such as {row.example}, not {text!r}.",
                remedy=f"Write it like {row.example}.",
            ) from None

    def callback(value: Any) -> Any:
        if row.repeats:
            return [convert(text) for text in value or ()]
        return None if value is None else convert(value)

    return callback


def _completer(setting: Setting) -> Callable[[str], list[str]] | None:
    def complete(incomplete: str) -> list[str]:
        cut = incomplete.rfind(setting.separator) + 1 if setting.separator else 0
        done, last = incomplete[:cut], incomplete[cut:]
        return [done + name for name in setting.choices if name.startswith(last)]

    return complete if setting.choices else None
