"""Tables and lists of facts that fit 80 columns."""

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO

from matey_cli import output
from matey_cli.widths import fitted, wrapped
from matey_core.numbers import number

if TYPE_CHECKING:
    from rich.text import Text


LONGEST_LABEL = 20
"""Characters of a label that the values of a list stand behind."""


class Lines(tuple[str, ...]):
    """Lines of one cell of a table; elsewhere in it a line feed is shown as text."""

    __slots__ = ()


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str = ""
) -> None:
    """Print a table on stdout: lines and color on a terminal, plain aligned text elsewhere.

    Numbers are set to the right with four digits, None is a dash. Cells that are too long for
    the width go on in the next line; names that are too long lose their middle. A table that
    does not fit even so is a list: each row is its first cell with the others below. With --json
    nothing is printed.
    """
    if output.current().json:
        return
    from rich import box
    from rich.table import Table

    out = sys.stdout
    lines = output.is_terminal(out) and output.is_unicode(out)
    drawn = Table(
        box=box.SIMPLE_HEAD if lines else None,
        pad_edge=False,
        padding=(0, 1, 0, 0) if lines else (0, 2, 0, 0),
        header_style="bold",
    )
    screen = output.console(out)
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
    heads = [output.readable(output.one_line(column), out) for column in columns]
    cells = [[_cell(value, out) for value in row] for row in rows]
    texts = [[head, *(row[i].plain for row in cells)] for i, head in enumerate(heads)]
    gaps = 2 * len(columns) + 2 * lines
    widths, longest = fitted(texts, screen.width - gaps, is_numeric=numeric)
    is_narrow = sum(widths) > screen.width - gaps
    for head, width, is_right in zip(heads, widths, numeric, strict=True):
        drawn.add_column(head, justify="right" if is_right else "left", width=width)
    mark = output.readable("…", out)
    for row in cells:
        drawn.add_row(*map(partial(_wrapped, mark=mark), row, widths, longest))
    if title or not lines:  # a table with lines begins with an empty one
        screen.print(output.readable(output.one_line(title), out), style="bold")
    for line in _listed(heads, cells) if is_narrow else [drawn]:
        screen.print(line)
    if caption:
        screen.print(output.readable(output.one_line(caption), out), style="dim")


def heading(text: str) -> None:
    """Print one bold line on stdout, unless --json."""
    if not output.current().json:
        text = output.readable(output.one_line(text), sys.stdout)
        output.console(sys.stdout).print(text, style="bold")


def caption(text: str) -> None:
    """Print one dim line on stdout, unless --json."""
    if not output.current().json:
        text = output.readable(output.one_line(text), sys.stdout)
        output.console(sys.stdout).print(text, style="dim")


def facts(title: str, /, **values: Any) -> None:
    """Print a title and named values below it on stdout, unless --json."""
    if output.current().json:
        return
    screen = output.console(sys.stdout)
    screen.print(output.readable(output.one_line(title), sys.stdout), style="bold")
    names = {key: key.replace("_", " ") for key in values}
    width = max((len(name) for name in names.values()), default=0)
    for key, value in values.items():
        label = f"  {output.one_line(names[key]):<{width}}  "
        text = output.fitted(_text(value), sys.stdout, label=label, indent=" " * len(label))
        screen.print(label + output.readable(text, sys.stdout), soft_wrap=True)


def _listed(heads: Sequence[str], cells: Sequence[Sequence["Text"]]) -> "Iterator[Text]":
    """Lines of a table whose columns stand below each other."""
    from rich.text import Text

    width = max((len(head) for head in heads if len(head) <= LONGEST_LABEL), default=0)
    for first, *others in cells:
        yield first
        for head, cell in zip(heads[1:], others, strict=True):
            yield Text(f"  {head:<{width}}  ").append_text(cell)


def _is_number(value: Any) -> bool:
    text = value.strip().rstrip("%×x*†‡") if isinstance(value, str) else None
    if text is None:
        return value is None or (
            hasattr(value, "__float__") and not isinstance(value, bool | PurePath)
        )
    try:
        float(text.replace(",", "") or "0")
    except ValueError:
        return text in {"–", "-"}
    return True


def _wrapped(cell: "Text", width: int, longest: int, *, mark: str) -> "Text":
    """Lay a plain text out; one with styles is left to rich."""
    from rich.text import Text

    if cell.spans:
        return cell
    return Text(wrapped(cell.plain, width, longest=longest, mark=mark), cell.style)


def _cell(value: Any, out: TextIO) -> "Text":
    from rich.text import Text

    if isinstance(value, Text):
        return value
    return Text(output.readable(_text(value), out))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Lines):
        return "\n".join(map(output.one_line, value))
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return output.one_line(str(value))
