"""Write the generated pages of docs/reference: settings, commands, API.

python docs/generate.py
"""

import contextlib
import importlib
import io
import json
import pkgutil
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import pydantic_core
import typer
from pydantic.fields import FieldInfo

import matey_core
from matey_cli.app import app
from matey_cli.lazy import load, paths
from matey_core.config import Config, PartConfig

REFERENCE = Path(__file__).parent / "reference"
PROGRAM = "matey"


def main() -> None:
    """Write every generated page."""
    modules = list(public_modules())
    (REFERENCE / "api").mkdir(parents=True, exist_ok=True)
    write("settings.md", settings_page())
    write("commands.md", commands_page())
    write("api/index.md", api_index(modules))
    for room in rooms(modules):
        write(f"api/{room}.md", api_page(room, modules))


def write(name: str, text: str) -> None:
    """Write a page, unless it says the same already."""
    path = REFERENCE / name
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def public_modules() -> Iterator[str]:
    """Names of all modules of matey_core, packages first, without private ones."""
    for module in pkgutil.walk_packages(matey_core.__path__, "matey_core."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def rooms(modules: Iterable[str]) -> list[str]:
    """Folders and files directly below matey_core."""
    return sorted({name.split(".")[1] for name in modules})


def api_index(modules: list[str]) -> str:
    """Make the list of all rooms with their first lines."""
    lines = ["# API", "", "`matey_core`, room by room.", ""]
    for room in rooms(modules):
        summary = (importlib.import_module(f"matey_core.{room}").__doc__ or "").partition("\n")[0]
        lines.append(f"- [`{room}`]({room}.md): {summary}")
    return "\n".join(lines) + "\n"


def api_page(room: str, modules: list[str]) -> str:
    """Make one room's page: its door, then its parts."""
    names = [name for name in modules if name.split(".")[1] == room]
    return f"# {room}\n\n" + "".join(f"::: {name}\n\n" for name in names)


def by_use(kind: type[Config]) -> tuple[bool, str]:
    """Sort simulators, of which there are many, behind what every training has."""
    return kind.__module__.startswith("matey_core.simulators"), kind.__name__


def settings_page() -> str:
    """Make one table a settings class, and below its family one for each part."""
    for name in public_modules():
        importlib.import_module(name)
    kinds = sorted(set(settings_classes(Config)), key=by_use)
    parts = [
        "# Settings\n",
        "What a TOML file may hold, and `--set path.to.key=value`. Unknown keys are mistakes. Some",
        "sections are [parts that are chosen by name](#parts-that-are-chosen-by-name).\n",
    ]
    for kind in kinds:
        if not issubclass(kind, PartConfig):
            parts.append(f"## {kind.__name__}\n\n`{kind.__module__}`. {first_line(kind)}\n")
            parts.extend(setting_table(kind))
    parts.append("## Parts that are chosen by name\n")
    parts.append(
        "Such a section names its part, and holds that part's settings and no others; the name\n"
        "alone stands for the part with its defaults.\n"
    )
    for kind in kinds:
        if "family" in vars(kind):
            parts.extend(family_section(kind))
    return "\n".join(parts)


def family_section(family: type[PartConfig]) -> Iterator[str]:
    """A family, and the settings of each of its parts."""
    yield f"### {family.__name__}\n"
    yield (
        f"`{family.family.package}`. {first_line(family)} `{family.key}` names the part, by "
        f"default `{family.default}`.\n"
    )
    for name, part in family.parts():
        yield f'#### {family.key} = "{name}"\n\n`{part.__module__}`. {first_line(part)}\n'
        yield from setting_table(part, without=family.key)


def setting_table(kind: type[Config], *, without: str = "") -> Iterator[str]:
    """A table of settings."""
    fields = {name: field for name, field in kind.model_fields.items() if name != without}
    if fields:
        yield "| setting | type | default | meaning |\n|---|---|---|---|"
        yield from (setting_row(name, field) for name, field in fields.items())
        yield ""


def settings_classes(kind: type[Config]) -> Iterator[type[Config]]:
    """All classes of settings below `kind` that belong to matey."""
    for child in kind.__subclasses__():
        if child.__module__.startswith("matey_core."):
            yield child
            yield from settings_classes(child)


def first_line(kind: type) -> str:
    """First line of a docstring."""
    return (kind.__doc__ or "").strip().partition("\n")[0]


def setting_row(name: str, field: FieldInfo) -> str:
    """Make one line of a settings table."""
    default = "required"
    if not field.is_required():
        value = field.get_default(call_default_factory=True, validated_data={})
        default = f"`{plain(value)}`"
    meaning = " ".join((field.description or "").split())
    cells = (f"`{name}`", f"`{spelled(field.annotation)}`", default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def spelled(annotation: Any) -> str:
    """A type as a person writes it, without the conditions on its values."""
    parts = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return spelled(parts[0])
    if origin is Literal:
        return " or ".join(json.dumps(part) for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(spelled(part) for part in parts)
    if origin is not None:
        return f"{origin.__name__}[{', '.join(spelled(part) for part in parts)}]"
    if annotation is ...:
        return "..."
    return "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))


def plain(value: object) -> str:
    """A default as TOML would show it, a part by its name, a section by its class."""
    if isinstance(value, PartConfig):
        return str(getattr(value, value.key))
    if isinstance(value, Config):
        return type(value).__name__
    if isinstance(value, tuple) and any(isinstance(part, PartConfig) for part in value):
        return json.dumps([getattr(part, part.key) for part in value])
    return json.dumps(pydantic_core.to_jsonable_python(value))


def commands_page() -> str:
    """Make the help of every command, as it stands in a terminal."""
    parts = ["# Commands\n", f"What `{PROGRAM} --help` and `{PROGRAM} COMMAND --help` say.\n"]
    commands = {PROGRAM: typer.main.get_command(app)}
    commands |= {" ".join((PROGRAM, *path)): load(*path) for path in paths()}
    for path, command in commands.items():
        parts.append(f"## {path}\n\n```text\n{help_of(command, path)}\n```\n")
    return "\n".join(parts)


def help_of(command: Any, path: str) -> str:
    """The text that --help prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        command.main(["--help"], prog_name=path, standalone_mode=False, terminal_width=90)
    return printed.getvalue().strip()


if __name__ == "__main__":
    main()
