"""Write the generated pages of docs/reference: settings, commands, API.

python docs/generate.py
"""

import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pydantic_core
import typer
from pydantic.fields import FieldInfo

import matey_core
from matey_cli.app import app
from matey_core.config import Config

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


def settings_page() -> str:
    """Make one table a settings class."""
    for name in public_modules():
        importlib.import_module(name)
    parts = [
        "# Settings\n",
        "What a TOML file may hold, and `--set path.to.key=value`. Unknown keys are mistakes.\n",
    ]
    for kind in sorted(settings_classes(Config), key=lambda kind: kind.__name__):
        parts.append(f"## {kind.__name__}\n\n`{kind.__module__}`. {first_line(kind)}\n")
        parts.append("| setting | type | default | meaning |\n|---|---|---|---|")
        parts.extend(setting_row(name, field) for name, field in kind.model_fields.items())
        parts.append("")
    return "\n".join(parts)


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
    annotation = field.annotation
    shown = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    shown = shown.replace("typing.", "").replace("pathlib.", "").replace("matey_core.", "")
    default = "required" if field.is_required() else f"`{plain(field.get_default())}`"
    if field.default_factory is not None:
        default = f"`{plain(field.get_default(call_default_factory=True, validated_data={}))}`"
    meaning = " ".join((field.description or "").split())
    cells = (f"`{name}`", f"`{shown}`", default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def plain(value: object) -> str:
    """A default as TOML would show it, or the class of a nested section."""
    if isinstance(value, Config):
        return type(value).__name__
    return json.dumps(pydantic_core.to_jsonable_python(value))


def commands_page() -> str:
    """Make the help of every command."""
    command = typer.main.get_command(app)
    parts = ["# Commands\n", f"The same text as `{PROGRAM} --help`.\n", *help_of(command, PROGRAM)]
    return "\n".join(parts)


def help_of(command: click.Command, path: str) -> Iterator[str]:
    """One section a command, groups before their members."""
    context = click.Context(command, info_name=path)
    yield f"## {path}\n\n{' '.join((command.help or '').split())}\n"
    rows = [row for row in (p.get_help_record(context) for p in command.params) if row]
    if rows:
        yield "| | |\n|---|---|"
        for names, text in rows:
            cells = (f"`{names}`", " ".join(text.split()))
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""
    for name, member in getattr(command, "commands", {}).items():
        yield from help_of(member, f"{path} {name}")


if __name__ == "__main__":
    main()
