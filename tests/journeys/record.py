"""Walk the journeys, and record them as pages: python -m tests.journeys.record [NAME...]."""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.journeys.journeys import JOURNEYS, Journey
from tests.terminal import COLUMNS, LINES, ROOT, Terminal, terminal


def main() -> None:
    """Write a page for each journey that is named, or for all."""
    for journey in JOURNEYS:
        if not sys.argv[1:] or journey.name in sys.argv[1:]:
            with tempfile.TemporaryDirectory() as made:
                folder, scratch = Path(made, "home"), Path(made, "scratch")
                folder.mkdir()
                scratch.mkdir()
                journey.prepare(folder)
                with terminal(folder, scratch) as shell:
                    journey.walk(shell)
                    page = page_of(journey, shell)
                place = ROOT / "docs" / "journeys" / f"{journey.name}.md"
                place.parent.mkdir(exist_ok=True)
                place.write_text(page, encoding="utf-8")
                if journey.picture:
                    shutil.copyfile(folder / journey.picture, place.with_suffix(".png"))


def page_of(journey: Journey, shell: Terminal) -> str:
    """Describe a journey, with all that the terminal showed."""
    total = sum(typed.seconds for typed in shell.typed)
    rows = [f"| `{typed.line}` | {typed.seconds:.0f} |" for typed in shell.typed]
    lines = [
        f"    {line}".rstrip() for line in shell.text().removesuffix("$").rstrip().splitlines()
    ]
    return "\n".join(
        [
            f"# {journey.title}",
            "",
            f"{journey.begins}",
            f"{len(shell.typed)} commands took {total:.0f} s on two cores. The terminal had "
            f"{COLUMNS} × {LINES} characters; its colors are left out here.",
            "",
            *([f"![The picture in the end]({journey.name}.png)", ""] if journey.picture else []),
            "| command | seconds |",
            "|---|---|",
            *rows,
            "",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
