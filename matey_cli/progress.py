"""The progress of long work, drawn on stderr while it lasts."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matey_cli import output
from matey_core.numbers import number, size
from matey_core.progress import OnProgress, Progress

if TYPE_CHECKING:
    from rich.console import RenderableType

PATIENCE = 1.0
"""Seconds that a task may last before it is drawn."""
LINE_EVERY = 30.0
"""Seconds between plain lines where stderr is no terminal."""


@contextmanager
def progress() -> Iterator[OnProgress]:
    """Draw what a workflow reports: a bar on a color terminal, a line now and then elsewhere."""
    wanted = output.current()
    if output.is_terminal(sys.stderr) and output.has_color(sys.stderr) and not wanted.quiet:
        with _bar() as watch:
            yield watch
    elif wanted.quiet or wanted.json:
        yield _ignore
    else:
        yield _Lines()


@dataclass
class Pace:
    """How fast the present task goes."""

    started: float = field(default_factory=time.monotonic)
    report: Progress | None = None
    _first: tuple[float, float] = (0.0, 0.0)

    def update(self, report: Progress) -> None:
        """Take a report; a task of another name starts the clock anew."""
        if self.report is None or self.report.task != report.task:
            self._first = (time.monotonic(), report.done)
        self.report = report

    @property
    def elapsed(self) -> float:
        """Seconds since the first report of the task."""
        return time.monotonic() - self._first[0]

    @property
    def rate(self) -> float | None:
        """Units a second, or None as long as nothing was done."""
        if self.report is None or self.elapsed <= 0 or self.report.done <= self._first[1]:
            return None
        return (self.report.done - self._first[1]) / self.elapsed

    def counts(self) -> str:
        """What is done of how much, such as 120/2,000 steps."""
        report = self.report
        if report is None:
            return ""
        if report.unit == "B":
            total = "" if report.total is None else f" / {size(report.total)}"
            return size(report.done) + total
        total = "" if report.total is None else f"/{_count(report.total)}"
        return f"{_count(report.done)}{total} {report.unit}".rstrip()

    def figures(self) -> list[str]:
        """Rate, time and live facts."""
        report, rate = self.report, self.rate
        if report is None:
            return []
        parts = []
        if rate is not None:
            parts.append(f"{size(rate)}/s" if report.unit == "B" else f"{number(rate, digits=3)}/s")
        parts.append(f"{clock(self.elapsed)} elapsed")
        if rate is not None and report.total is not None:
            parts.append(f"{clock(max(report.total - report.done, 0) / rate)} left")
        return [*parts, *(f"{name} {value}" for name, value in report.facts)]


class _Lines:
    """One plain line every half minute."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._last = self._pace.started

    def __call__(self, report: Progress) -> None:
        self._pace.update(report)
        now = time.monotonic()
        if now - self._last < LINE_EVERY:
            return
        self._last = now
        line = "  ".join([report.task, self._pace.counts(), *self._pace.figures()])
        output.say(output.one_line(line), stream=sys.stderr)


@contextmanager
def _bar() -> Iterator[OnProgress]:
    from rich.live import Live

    pace = Pace()
    screen = output.console(sys.stderr)
    with Live(
        get_renderable=lambda: _drawn(pace),
        console=screen,
        refresh_per_second=6,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ):
        yield pace.update


def _drawn(pace: Pace) -> "RenderableType":
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    report = pace.report
    if report is None or time.monotonic() - pace.started < PATIENCE:
        return Group()
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
    cells: list[Any] = [Text(output.one_line(report.task), style="bold")]
    if report.total is None:
        cells.append(Text(pace.counts()))
    else:
        cells += [
            ProgressBar(total=report.total, completed=report.done, width=20),
            Text(f"{100 * report.done / max(report.total, 1e-9):3.0f} %"),
            Text(pace.counts()),
        ]
    grid.add_row(*cells)
    separator = "  ·  " if output.is_unicode(sys.stderr) else "  |  "
    figures = Text("  " + separator.join(pace.figures()), style="dim", overflow="ellipsis")
    figures.no_wrap = True
    return Group(grid, figures)


def clock(seconds: float) -> str:
    """Write a time span as 0:07, 12:05 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _count(value: float) -> str:
    return f"{round(value):,}"


def _ignore(report: Progress) -> None:
    pass
