"""Commands that are imported only when they are called.

A command is a file in `matey_cli/commands` with one function of the file's name.
Help of the whole lists the files and reads the first line of their docstrings;
so a command that imports something heavy, or fails to, costs the others nothing.
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

ORDER = ("prepare", "pretrain", "finetune", "rollout", "tokenize-inspect", "profile", "simulate")
"""The main job first; further commands follow by name."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from matey_core import __version__

        typer.echo(f"matey {__version__}")
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
]
GLOBALS: dict[str, Any] = {"json": Json, "quiet": Quiet, "debug": Debug, "version": Version}
"""Accepted before and after a command's name; `output.configure` reads them."""


class LazyGroup(TyperGroup):
    """A group whose commands are stubs until one of them is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name=name, help=summary) for name, summary in summaries().items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command and replace its stub by the real one."""
        name, stub, rest = super().resolve_command(ctx, args)
        if name is None or stub is None:
            return name, stub, rest
        return name, load(name), rest


def summaries() -> dict[str, str]:
    """Every command's one-line summary, without importing a single command."""
    folder = Path(__file__).parent / "commands"
    found = {}
    for file in sorted(folder.glob("[!_]*.py")):
        source = ast.parse(file.read_text(encoding="utf-8"))
        first, _, _ = (ast.get_docstring(source) or "").partition("\n")
        found[file.stem.replace("_", "-")] = first
    known = [name for name in ORDER if name in found]
    return {name: found[name] for name in [*known, *sorted(found.keys() - set(ORDER))]}


def load(name: str) -> Any:
    """Import a command and build its parser."""
    verb = name.replace("-", "_")
    function = getattr(importlib.import_module(f"matey_cli.commands.{verb}"), verb)
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(_with_globals(function))
    return typer.main.get_command(single)


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
