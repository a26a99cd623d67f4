"""Everything a command shows: results on stdout, progress, notes and errors on stderr."""

import json
import sys

from matey_cli import output
from matey_cli.documents import plain
from matey_cli.progress import progress
from matey_cli.tables import (
    Lines,
    caption,
    facts,
    heading,
    table,
)
from matey_core.errors import brief
from matey_core.numbers import counted, duration, number, size

__all__ = [
    "Lines",
    "caption",
    "counted",
    "duration",
    "emit",
    "error",
    "facts",
    "heading",
    "note",
    "number",
    "progress",
    "size",
    "table",
]


def emit(report: object) -> bool:
    """With --json, print the report as one JSON document and return True.

    NaN and infinities, which JSON lacks, become null; paths become strings.
    """
    if not output.current().json:
        return False
    # JSON escapes all control characters but this one.
    text = json.dumps(plain(report), allow_nan=False).replace("\x7f", "\\u007f")
    sys.stdout.write(text + "\n")
    return True


def note(text: str, *, wraps: bool = True) -> None:
    """Say something worth knowing that is no result, unless --quiet or --json.

    Args:
        text: one line.
        wraps: whether a terminal may show it in several lines; commands to copy are one.
    """
    wanted = output.current()
    if not (wanted.quiet or wanted.json):
        line = output.one_line(brief(text))
        output.say(output.fitted(line, sys.stderr) if wraps else line, stream=sys.stderr)


def error(problem: str, remedy: str = "", *, exit_code: int = 2) -> None:
    """Say what went wrong and what to do; with --json, as a JSON object on stderr."""
    problem, remedy = brief(problem), brief(remedy)
    if output.current().json:
        document = {"error": problem, "remedy": remedy, "exit_code": exit_code}
        sys.stderr.write(json.dumps(document).replace("\x7f", "\\u007f") + "\n")
        return
    label = "\x1b[1;31merror:\x1b[0m" if output.has_color(sys.stderr) else "error:"
    line = output.fitted(output.one_line(problem), sys.stderr, label="error: ", indent="  ")
    output.say(line, stream=sys.stderr, label=f"{label} ")
    if remedy:
        line = output.fitted(output.one_line(remedy), sys.stderr, indent="  ")
        output.say(line, stream=sys.stderr)
