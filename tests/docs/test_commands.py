"""Every `matey …` line of the documentation is understood by the command it names."""

import re
import shlex
from pathlib import Path

import pytest

from matey_cli.lazy import load, paths

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^(?: {4}|\$ )?(?:\$ )?matey (?P<rest>[a-z][^#|&>\n]*)", re.MULTILINE)
LITERAL = [
    "matey prepare pdebench ./data",
    "matey pretrain",
    "matey finetune --freeze-attention --n-samples 8",
    "matey rollout",
    "matey tokenize-inspect",
    "matey profile",
]


def pages() -> list[Path]:
    found = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return [page for page in found if "reference" not in page.parts]


def lines(page: Path) -> list[str]:
    """Command lines in blocks, without those that hold a placeholder."""
    rests = (found["rest"].strip() for found in LINE.finditer(page.read_text("utf-8")))
    return [rest for rest in rests if not re.search(r"\b[A-Z]{2,}\b|…|\.\.\.|\[|<", rest)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_line_is_understood(page: Path) -> None:
    for line in lines(page):
        path, arguments = command_of(shlex.split(line))
        assert path in paths(), f"{page.name}: matey {line}"
        load(*path).make_context(" ".join(path), arguments)


def command_of(words: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The longest name of a command that the words begin with, such as `data check`."""
    for count in (2, 1):
        if (path := tuple(words[:count])) in paths():
            return path, words[count:]
    return tuple(words[:1]), words[1:]


def test_readme_has_the_literal_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "\n".join(f"    {line}" for line in LITERAL) in text


def test_the_demo_runs_the_same_commands() -> None:
    demo = (ROOT / "bench" / "demo.py").read_text("utf-8")
    # The last mention of each: pretraining has a rollout of its own before.
    places = [demo.rfind(f'"{line.removeprefix("matey ")}') for line in LITERAL]
    assert places == sorted(places)
    assert min(places) > 0
