"""Widths of a table's columns, such that neither words nor numbers are broken."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

SHORTEST = 9
"""Characters that a shortened name keeps at least."""


def shortened(name: str, width: int, *, mark: str = "…") -> str:
    """Replace the middle of a name that is longer than `width` by a mark."""
    if len(name) <= width:
        return name
    kept = max(width - len(mark), 2)
    return f"{name[: kept - kept // 2]}{mark}{name[len(name) - kept // 2 :]}"


def wrapped(text: str, width: int, *, longest: int, mark: str = "…") -> str:
    """Break lines between words; the lines that follow are indented as the first one.

    Args:
        text: of one line or several.
        width: characters of a line.
        longest: characters of a word and its indentation; longer ones lose their middle.
        mark: stands for what is left out.
    """
    lines = []
    for line in text.split("\n"):
        indent, words = parted(line)
        short = " ".join(shortened(word, longest - len(indent), mark=mark) for word in words)
        lines += textwrap.wrap(
            short,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)


def fitted(
    columns: Sequence[Sequence[str]], room: int, *, is_numeric: Sequence[bool]
) -> tuple[list[int], list[int]]:
    """Share the width of a table out among its columns.

    Args:
        columns: the texts of each column, its head first.
        room: characters that all columns have together.
        is_numeric: of each column; numbers and the marks behind them stay together, and words
            of other columns may lose their middle.

    Returns:
        The width of each column, and the length above which its words are shortened.
    """
    longest = list(map(_longest_part, columns, is_numeric))
    cells = [_longest(line for text in texts[1:] for line in text.split("\n")) for texts in columns]
    heads = [len(texts[0]) for texts in columns]
    while sum(longest) > room:
        names = [
            index
            for index, width in enumerate(longest)
            if not is_numeric[index] and width > SHORTEST
        ]
        if not names:
            break
        longest[max(names, key=longest.__getitem__)] -= 1
    widths = list(longest)
    for whole in (cells, [max(pair) for pair in zip(cells, heads, strict=True)]):
        for _ in range(room - sum(widths)):
            hungry = [index for index, width in enumerate(widths) if width < whole[index]]
            if not hungry:
                break
            widths[min(hungry, key=widths.__getitem__)] += 1
    return widths, longest


def _longest_part(texts: Sequence[str], is_numeric: bool) -> int:
    """Characters of what must not be broken: words, and numbers with their marks."""
    head, *cells = texts
    parts = cells if is_numeric else [part for cell in cells for part in _indented_words(cell)]
    return _longest([*head.split(), *parts])


def _indented_words(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        indent, words = parted(line)
        yield from (indent + word for word in words)


def parted(line: str) -> tuple[str, list[str]]:
    """The spaces that a line begins with, and its words."""
    words = line.split()
    return line[: len(line) - len(line.lstrip())], words


def _longest(texts: Iterable[str]) -> int:
    return max((1, *map(len, texts)))
