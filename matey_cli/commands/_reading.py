"""Options that say how a source is to be read."""

import textwrap
from typing import Any

from matey_cli.options import Given, option, options
from matey_core.registry import Registry

READERS: Registry[Any] = Registry("matey_core.readers")
SETTINGS = "matey_core.workflows.prepare.settings:PrepareConfig"
READING = (
    *options("--dims --join --fields"),
    option("--derive", repeats=True),
    *options("--component-dim --boundary"),
    option("--vector", repeats=True),
    *options("--time-step --spacing"),
)


def reader_names(incomplete: str) -> list[str]:
    """Names of readers that begin so, for the shell's completion."""
    return [name for name in READERS.names() if name.startswith(incomplete)]


def typed_again(given: Given) -> list[str]:
    """The options of `READING` as they were typed, for a command that reads the same source."""
    words = []
    for row in READING:
        value = given.get(row.path, ())
        values = value if isinstance(value, tuple) else (value,)
        if row.repeats:
            words += [word for each in values for word in (row.name, str(each))]
        elif values:
            words += [row.name, ",".join(map(str, values))]
    return words


def layouts() -> str:
    """The readers, with a line each, for the help."""
    width = max(map(len, READERS.names()))
    lines = [
        textwrap.fill(
            f"{name:{width}}  {READERS.summary(name)}",
            width=80,
            initial_indent=" " * 6,
            subsequent_indent=" " * (width + 8),
        )
        for name in READERS.names()
    ]
    return "\n    \\b\n" + "\n".join(lines)
