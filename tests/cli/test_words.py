"""Help, errors and pages are written in sentences that one reads once."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from matey_cli.lazy import load, paths

ROOT = Path(__file__).parents[2]
MOST = 30
"""Words of a sentence."""
ERRORS = ("Error", "Hindrance")


def sentences(text: str) -> Iterator[str]:
    """Sentences, and what stands behind a colon or a semicolon, each by itself."""
    for paragraph in re.split(r"\n\s*\n", text):
        if "\b" not in paragraph:
            yield from re.split(r"(?<=[.?!:;])\s+", " ".join(paragraph.split()))


def long_ones(text: str) -> list[str]:
    return [each for each in sentences(text) if len(each.split()) > MOST]


def prose(page: str) -> Iterator[str]:
    """Paragraphs and items of a page, without code, tables and addresses; a formula is a word."""
    page = re.sub(r"```.*?```|<!--.*?-->|\$\$.*?\$\$", "", page, flags=re.DOTALL)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.)\s|#|\|)", page):
        if not re.match(r"\n* {4,}\S|\s*[|<#]", block):
            block = re.sub(r"\]\([^)]*\)", "]", block)
            yield re.sub(r"`[^`]*`|\$[^$]*\$", "X", block).replace("*", "")


def spelled(node: ast.AST) -> str:
    """The text of a string; what is put into it counts as one word."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(spelled(part) for part in parts)
        case ast.FormattedValue():
            return "X"
    return ""


def messages(source: str) -> Iterator[str]:
    """Problems and remedies of all errors in a module."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name.endswith(ERRORS):
                yield from map(spelled, (*node.args, *(word.value for word in node.keywords)))


@pytest.mark.parametrize("path", paths(), ids=" ".join)
def test_sentences_of_help_are_short(path: tuple[str, ...]) -> None:
    command = load(*path)
    texts = [command.help or "", *(getattr(each, "help", "") or "" for each in command.params)]
    assert [each for text in texts for each in long_ones(text)] == []


def test_sentences_of_errors_are_short() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {sentence}"
        for package in ("matey_core", "matey_cli")
        for file in sorted((ROOT / package).rglob("*.py"))
        for text in messages(file.read_text(encoding="utf-8"))
        for sentence in long_ones(text)
    ]
    assert found == []


def test_sentences_of_pages_are_short() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    written = [page for page in sorted(pages) if page.parent.name not in ("journeys", "reference")]
    found = [
        f"{page.relative_to(ROOT)}: {sentence}"
        for page in written
        for text in prose(page.read_text(encoding="utf-8"))
        for sentence in long_ones(text)
    ]
    assert found == []


def test_a_long_sentence_is_found() -> None:
    words = "word " * (MOST + 1)
    assert long_ones(f"Short. {words}.") != []
    assert long_ones(f"{'word ' * (MOST - 1)}end. {'word ' * (MOST - 1)}end.") == []
    source = f"raise ConfigError(f'{words}{{x}}.', remedy='Do it.')"
    assert [bool(long_ones(text)) for text in messages(source)] == [True, False]
