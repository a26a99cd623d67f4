"""Commands that are imported only when they are called.

A command is a file in `matey_cli/commands` with one function of the file's name; a folder
there is a group of commands, such as `matey data check`. Help of the whole lists the files
and reads the first line of their docstrings; so a command that imports something heavy, or
fails to, costs the others nothing.
"""

import ast
import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

ORDER = (
    "download",
    "prepare",
    "data",
    "pretrain",
    "finetune",
    "rollout",
    "runs",
    "compare",
    "info",
    "report",
    "tokenize-inspect",
    "profile",
    "plan",
    "simulate",
    "push",
    "pull",
    "config",
    "doctor",
)
"""The main job first; further commands follow by name."""
COMMANDS = Path(__file__).parent / "commands"


def _show_version(wanted: bool) -> None:
    if wanted:
        from matey_core import __version__

        typer.echo(f"matey {__version__}")
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show what matey chooses, and the traceback of an error."),
]
Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
]
GLOBALS: dict[str, Any] = {"json": Json, "quiet": Quiet, "debug": Debug, "version": Version}
"""Accepted before and after a command's name; `output.configure` reads them."""


class LazyGroup(TyperGroup):
    """A group whose commands are stubs until one of them is called."""

    path: tuple[str, ...] = ()
    """Names of the group and those above it, without the program's."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.fill()

    def fill(self) -> None:
        """Make a stub of each command at `path`."""
        self.commands = {
            name: TyperCommand(name=name, help=summary)
            for name, summary in summaries(*self.path).items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command and replace its stub by the real one."""
        name, stub, rest = super().resolve_command(ctx, args)
        if name is None or stub is None:
            return name, stub, rest
        return name, load(*self.path, name), rest


def summaries(*group: str) -> dict[str, str]:
    """One-line summaries of the commands of a group, without importing a single command."""
    found = {}
    for file in sorted(COMMANDS.joinpath(*map(_module, group)).glob("[!_]*")):
        source = file / "__init__.py" if file.is_dir() else file
        if source.suffix == ".py" and source.is_file():
            found[file.stem.replace("_", "-")] = _docstring(source).partition("\n")[0]
    known = [name for name in ORDER if name in found]
    return {name: found[name] for name in [*known, *sorted(found.keys() - set(ORDER))]}


def paths(*group: str) -> list[tuple[str, ...]]:
    """Where all commands and groups are, those of a group after it."""
    found = []
    for name in summaries(*group):
        found.append((*group, name))
        if _is_group(*group, name):
            found += paths(*group, name)
    return found


def load(*path: str) -> Any:
    """Import a command and build its parser; of a group, only the parser of its own options."""
    name, names = path[-1], [_module(part) for part in path]
    single = typer.Typer(cls=LazyGroup, add_completion=False, rich_markup_mode=None)
    if not _is_group(*path):
        function = getattr(
            importlib.import_module(f"matey_cli.commands.{'.'.join(names)}"), names[-1]
        )
        single.command(name)(_with_globals(function))
        return typer.main.get_command(single)
    single.callback(invoke_without_command=True)(_with_globals(_group(path)))
    group: Any = typer.main.get_command(single)
    group.name, group.path = name, path
    group.fill()
    return group


def _group(path: tuple[str, ...]) -> Callable[..., None]:
    """What a group does by itself: it shows its help."""

    def help_of(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    help_of.__doc__ = _docstring(COMMANDS.joinpath(*map(_module, path), "__init__.py"))
    return help_of


def _is_group(*path: str) -> bool:
    return COMMANDS.joinpath(*map(_module, path)).is_dir()


def _module(name: str) -> str:
    return name.replace("-", "_")


def _docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def _with_globals(function: Callable[..., None]) -> Callable[..., None]:
    r"""Let a command accept the global options, which it does not see.

    A line with `\b` alone, which keeps the lines below it apart, may stand in a raw docstring.
    """
    signature = inspect.signature(function)
    added = {name: kind for name, kind in GLOBALS.items() if name not in signature.parameters}

    @functools.wraps(function)
    def call(**values: Any) -> None:
        function(**{name: value for name, value in values.items() if name not in added})

    extra = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in added.items()
    ]
    parameters = [*signature.parameters.values(), *extra]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__doc__ = (function.__doc__ or "").replace("\\b\n", "\b\n")
    call.__annotations__ = {**function.__annotations__, **added}
    return call
