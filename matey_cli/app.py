"""The `matey` command, and the one place where errors end."""

import difflib
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from matey_cli import output
from matey_cli.lazy import Debug, Json, LazyGroup, Quiet, Version
from matey_core.errors import MateyError, MateyWarning

INTERRUPTED = 130
STOPPED = {INTERRUPTED: "Interrupted.", 143: "Terminated."}
"""Exit codes after a signal, and what is said: Ctrl-C, and others."""
_FULL = "No space left on device"

app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


_HELP = """Multiscale adaptive foundation models of spatiotemporal physical systems.

These commands do the whole job in a directory with simulations in ./data:

\b
  matey prepare pdebench ./data
  matey pretrain
  matey finetune --freeze-attention --n-samples 8
  matey rollout
"""
"""A line with the character backspace keeps the lines below it apart."""


@app.callback(help=_HELP)
def matey(
    json: Json = False, quiet: Quiet = False, debug: Debug = False, version: Version = False
) -> None:
    """Accept the global options; `output.configure` reads them."""


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 or 143 stopped."""
    output.open_closed_streams()
    arguments = sys.argv[1:] or ["--help"]
    output.configure(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    with warnings.catch_warnings(), _log_shown():
        warnings.simplefilter("default", MateyWarning)
        warnings.showwarning = _show_warning
        code = _run(arguments)
    try:
        sys.stdout.flush()
    except OSError:  # the reader is gone, or a full disk, which an error has told already
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="matey", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort) as stop:
        code = getattr(stop, "exit_code", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _end(error)
    if code in STOPPED:
        _report(STOPPED[code], "", code)
    return code if isinstance(code, int) else 0


class _LogLines(logging.Handler):
    """Shows what `matey_core` logs, a line each on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        line = output.one_line(f"{record.name}: {record.getMessage()}")
        output.say(line, stream=sys.stderr)


@contextmanager
def _log_shown() -> Iterator[None]:
    """With --debug, show what the library logs until the block ends."""
    log, lines = logging.getLogger("matey"), _LogLines()
    if output.current().debug:
        log.setLevel(logging.DEBUG)
        log.addHandler(lines)
    try:
        yield
    finally:
        log.removeHandler(lines)


def _show_warning(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
    """Show our own warnings as notes, once each, and others as Python does."""
    if not issubclass(category, MateyWarning):
        text = warnings.formatwarning(output.one_line(str(message)), category, *where[:2])
        output.say(text.rstrip(), stream=sys.stderr)
        return
    from matey_cli import render

    render.note(str(message))


def _end(error: Exception) -> int:
    """Tell what went wrong, and return the exit code."""
    if output.current().debug:
        import traceback

        output.say("".join(traceback.format_exception(error)).rstrip(), stream=sys.stderr)
    problem, remedy, code = _explain(error)
    _report(problem, remedy, code)
    return code


def _report(problem: str, remedy: str, code: int) -> None:
    from matey_cli import render

    render.error(problem, remedy, exit_code=code)


def _explain(error: Exception) -> tuple[str, str, int]:
    """Put an error into a problem, a remedy and an exit code."""
    if isinstance(error, MateyError):
        return str(error), error.remedy, error.exit_code
    if isinstance(error, _USAGE):
        return _usage(error)
    if type(error).__name__ == "ValidationError":
        return _invalid(error)
    for cause in _chain(error):
        if _FULL in str(cause) or "Disk quota exceeded" in str(cause):
            where = f" at {name}" if (name := getattr(cause, "filename", None)) else ""
            return (
                f"The disk is full{where}; nothing half-written was kept under a final name.",
                "Free some space, or write elsewhere, and run the same command again.",
                1,
            )
    if isinstance(error, PermissionError):
        return f"{error.filename}: {error.strerror}.", "Check who may read and write it.", 1
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}.", "Check the path.", 1
    if any(map(_is_out_of_memory, _chain(error))):
        return (
            "Out of memory.",
            "Use a smaller --batch-size or --preset, or fewer tokens (--gamma, --tokens); for "
            "`matey prepare`, fewer --workers.",
            1,
        )
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("matey"):
        return f"The package {error.name!r} is not installed.", f"pip install {error.name}", 1
    return (
        f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}",
        "This is a fault of matey; run again with --debug to see where it happened.",
        1,
    )


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # What torch says on a CPU.
    signs = ("can't allocate memory", "Storage size calculation overflowed")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


_USAGE: Any = typer.BadParameter.__mro__[2]
"""The base of every mistake in parsing. Typer brings its own click in newer
versions, so that `click.ClickException` is not always this class."""


def _usage(error: Any) -> tuple[str, str, int]:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "matey"
    problem = error.format_message()
    remedy = f"See {path} --help."
    if near := _meant(error, context):
        problem = error.message
        remedy = f"Did you mean {near}? {remedy}"
    return (problem if problem.endswith((".", "?")) else f"{problem}."), remedy, error.exit_code


def _meant(error: Any, context: Any) -> str:
    """The option or command that is probably meant; empty where none is like it."""
    from matey_core.config import ALIASES

    params = [] if context is None else context.command.params
    known = [name for each in params for name in each.opts]
    if extra := re.search(r"extra argument.* \((\S+)\)", error.format_message()):
        return f"--data {extra[1]}" if "--data" in known else ""
    typed = getattr(error, "option_name", "").lstrip("-").replace("-", "_")
    wanted = f"--{ALIASES.get(typed, typed).replace('_', '-')}"
    if typed and wanted in known:
        return wanted
    if typed == "store" and "--data" in known:
        return "--data"
    names = {name.lstrip("-"): name for name in getattr(error, "possibilities", None) or ()}
    near = difflib.get_close_matches(typed.replace("_", "-"), names, n=1)
    return names[near[0]] if near else ""


def _invalid(error: Any) -> tuple[str, str, int]:
    """Say what pydantic found wrong in settings that were built from options."""
    from matey_core.config import Config, mistakes

    problems = mistakes(Config, error)
    return f"{'; '.join(problems)}.", "Change the option of this name.", 2


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
