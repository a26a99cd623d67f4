"""Write the measured parts of docs/simulators: python -m bench.validation [page ...].

Each page has a line `<!-- measured -->`; what follows it, up to `<!-- end -->`, is written here.
"""

import argparse
import importlib
import pkgutil
import sys
import time
from pathlib import Path

import matplotlib

import bench.validation
from bench._rows import machine
from bench.validation import Picture, Result

PAGES = Path(__file__).parents[2] / "docs" / "simulators"
BEGIN, END = "<!-- measured -->", "<!-- end -->"


def main() -> None:
    known = sorted(
        module.name
        for module in pkgutil.iter_modules(bench.validation.__path__)
        if not module.name.startswith("_")
    )
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", choices=[*known, []], help="default: all")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="holds data/")
    arguments = parser.parse_args()
    matplotlib.use("Agg")
    for name in arguments.pages or known:
        write(name, arguments.shared)


def write(name: str, shared: Path) -> None:
    """Measure, and replace the measured part of a page."""
    began = time.perf_counter()
    parts = list(importlib.import_module(f"bench.validation.{name}").validate(shared))
    seconds = time.perf_counter() - began
    page = PAGES / f"{name.replace('_', '-')}.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [*_pictures(name, parts), *_table(parts), "", _footer(name)]
    page.write_text(f"{before}{BEGIN}\n\n{chr(10).join(lines)}\n\n{END}{after}", encoding="utf-8")
    sys.stdout.write(f"{page.relative_to(PAGES.parents[1])}: {len(parts)} parts, {seconds:.0f} s\n")


def _pictures(name: str, parts: list[Result | Picture]) -> list[str]:
    lines = []
    for part in parts:
        if isinstance(part, Picture):
            path = PAGES / "pictures" / f"{name.replace('_', '-')}-{part.name}.png"
            path.parent.mkdir(exist_ok=True)
            # No metadata: the same picture is the same file.
            part.figure.savefig(path, dpi=100, bbox_inches="tight", metadata={"Software": None})
            lines += [f"![{part.caption}](pictures/{path.name})", "", f"*{part.caption}*", ""]
    return lines


def _table(parts: list[Result | Picture]) -> list[str]:
    rows = [part for part in parts if isinstance(part, Result)]
    if not rows:
        return []
    lines = ["| against | measured | limit |", "|---|---|---|"]
    return lines + [f"| {row.against} | {row.measured} | {row.limit} |" for row in rows]


def _footer(name: str) -> str:
    where = machine()
    return (
        f"Measured by `python -m bench.validation {name}` on {where['date']}: "
        f"{where['processor']}, torch {where['torch']}."
    )


if __name__ == "__main__":
    main()
