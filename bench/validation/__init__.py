"""Solvers against the world: what the pages in docs/simulators say, measured.

A file here has the name of a page, and one function,

    validate(shared: Path) -> Iterator[Result | Picture],

with `shared` the folder that holds `data`. `python -m bench.validation` runs them and writes
tables and pictures into the pages.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row of a page's table."""

    against: str
    """What the solver is compared with, and how: one sentence of Markdown."""
    measured: str
    """The figures, with what they are: "2.1e-4 (u), 3.0e-4 (v)"."""
    limit: str = ""
    """What it should stay below, and why, where there is a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture of a page."""

    name: str
    """File name without suffix; unique on the page."""
    caption: str
    figure: "Figure"
