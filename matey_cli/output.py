"""How the person asked to be answered: --json, --quiet, --debug, and what the terminal can do."""

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from matey_core.texts import visible

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The global options in force."""

    json: bool = False
    """One JSON document on stdout and nothing else."""
    quiet: bool = False
    """No progress and no notes: results and errors only."""
    debug: bool = False
    """What the library logs, and a traceback with every error."""


_current = Output()


def configure(arguments: Sequence[str]) -> None:
    """Take the global options from wherever they stand on the command line.

    They are read before the line is parsed, so that a mistake in parsing is
    already reported in the form that was asked for.
    """
    global _current
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    flags = set(arguments[:end])
    _current = Output(
        json="--json" in flags,
        quiet=bool(flags & {"--quiet", "-q"}),
        debug="--debug" in flags,
    )


def current() -> Output:
    """The global options of this process."""
    return _current


def open_closed_streams() -> None:
    """Let standard streams that were closed (`>&-`) lead nowhere.

    Python has none in their place, and the next file that is opened would take their number, so
    that libraries would write their messages into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest number that is free: that of the stream.
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that can move its cursor."""
    return _real(stream).isatty() and os.environ.get("TERM") != "dumb"


def has_color(stream: TextIO) -> bool:
    """Whether `stream` should be colored: a terminal or FORCE_COLOR, and no NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return is_terminal(stream) or os.environ.get("FORCE_COLOR", "") not in ("", "0")


def _real(stream: TextIO) -> TextIO:
    """The stream itself, where rich has put another in its place while a bar is drawn."""
    return getattr(stream, "rich_proxied_file", stream)


def is_unicode(stream: TextIO) -> bool:
    """Whether `stream` can show block and box characters."""
    return (_real(stream).encoding or "ascii").lower().replace("-", "").startswith("utf")


def console(stream: TextIO) -> "Console":
    """Make a rich console for `stream` that is plain wherever the stream is."""
    from matey_cli.screen import Screen

    terminal = is_terminal(stream)
    return Screen(
        file=stream,
        force_terminal=terminal,
        no_color=not has_color(stream),
        color_system=_color_system(stream),
        highlight=False,
        emoji=False,
        markup=False,
    )


def _color_system(stream: TextIO) -> Literal["auto", "256", "truecolor"] | None:
    """How many colors rich may use; it finds none by itself where there is no terminal."""
    if not has_color(stream):
        return None
    if is_terminal(stream):
        return "auto"
    return "truecolor" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256"


_ASCII = str.maketrans(
    {
        "×": "x",
        "–": "-",
        "−": "-",
        "…": "...",
        "→": "->",
        "·": "*",
        "²": "^2",
        "γ": "gamma",
        "≤": "<=",
        "≥": ">=",
        "’": "'",
        "†": "+",
        "‡": "#",
        "▲": "^",
        "µ": "u",
    }
)


def one_line(text: str) -> str:
    """Show control characters as text, line feeds as well."""
    return visible(text).replace("\n", "\\n")


def readable(text: str, stream: TextIO) -> str:
    """Show control characters as text, and spell out the signs that `stream` cannot show."""
    text = visible(text)
    if is_unicode(stream):
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def fitted(text: str, stream: TextIO, *, label: str = "", indent: str = "") -> str:
    """Break text between words where `stream` is a terminal, which would break it anywhere.

    Args:
        text: one line.
        stream: where it will be written.
        label: stands before it in the first line.
        indent: of all lines but the first, and of the first without a label.
    """
    if not is_terminal(stream):
        return indent * (not label) + text
    lines = textwrap.wrap(
        label + text,
        shutil.get_terminal_size().columns,
        initial_indent=indent * (not label),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)[len(label) :]


def say(text: str, *, stream: TextIO | None = None, label: str = "") -> None:
    """Write plain text and a line feed, behind a label of our own, which may have colors."""
    stream = sys.stdout if stream is None else stream
    stream.write(label + readable(text, stream) + "\n")
    stream.flush()
