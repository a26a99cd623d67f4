"""One screen that shows a training while it lasts: losses by store, rates, validations."""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING

from matey_cli import output
from matey_cli.progress import Pace, clock
from matey_cli.widths import SHORTEST, shortened
from matey_core.numbers import number, size

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from matey_core.progress import Progress
    from matey_core.runs.scores import Validation
    from matey_core.runs.start import StartFacts
    from matey_core.runs.status import StepStatus

BARS = "▁▂▃▄▅▆▇█"
TREND = 16
"""Characters that show how a loss went, where the terminal is wide."""
WIDE = 64
"""Characters of a line."""
HIGH = 20
"""Lines of a terminal in which figures may take more than two."""
LOSS, SCORE = 10, 8
"""Characters of these columns."""
AROUND = 5
"""Lines of the screen beside stores, figures and validation; one of them stays free."""


@dataclass
class TrainingScreen:
    """What is known of a training, drawn when it is asked for."""

    pace: Pace = field(default_factory=Pace)
    run: str = ""
    stores: tuple[str, ...] = ()
    status: "StepStatus | None" = None
    validation: "Validation | None" = None
    losses: dict[str, list[float]] = field(default_factory=dict)
    """Store → smoothed losses of its steps."""

    def started(self, facts: "StartFacts") -> None:
        """Take in what is trained."""
        self.run = facts.run.name
        self.stores = tuple(store.name for store in facts.stores)

    def progressed(self, report: "Progress") -> None:
        """Take in how far it is."""
        self.pace.update(report)

    def stepped(self, status: "StepStatus") -> None:
        """Take in a step."""
        self.status = status
        if not math.isnan(loss := status.smoothed[status.store]):
            self.losses.setdefault(status.store, []).append(loss)

    def validated(self, validation: "Validation") -> None:
        """Take in a validation."""
        self.validation = validation

    def drawn(self, *, width: int, height: int) -> "RenderableType":
        """Draw all of it in at most so many columns and lines."""
        from rich.console import Group

        status, report = self.status, self.pace.report
        if status is None or report is None:
            return Group()
        room = width if height >= HIGH else 1000  # longer lines are cut
        figures = self._figures(status, room)
        below = [] if self.validation is None else wrap(_validation(self.validation), room)
        shown = self.stores[: max(1, height - AROUND - len(figures) - len(below))]
        rest = len(self.stores) - len(shown)
        trend = TREND if width >= WIDE else 0
        name = max(SHORTEST, width - LOSS - trend - SCORE - 4)
        lines = [
            self._bar(status, width),
            *(_line(text, width, "dim") for text in figures),
            _line(f"{'store':<{name}}{'loss':>{LOSS}}  {'':<{trend}}{'score':>{SCORE}}", width),
            *(self._row(store, name, trend) for store in shown),
        ]
        if rest:
            lines.append(_line(f"and {rest} more", width, "dim"))
        lines += [_line(text, width) for text in below]
        return Group(*lines)

    def _bar(self, status: "StepStatus", width: int) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        counts = f"{status.step:,}/{status.steps:,} steps"
        times = f"{clock(self.pace.elapsed)} elapsed"
        if rate := self.pace.rate:
            times += f", {clock(max(status.steps - status.step, 0) / rate)} left"
        share = f"{100 * status.step / max(status.steps, 1):.0f} %"
        bar = width - len(self.run) - len(counts) - len(times) - len(share) - 4
        if bar < 8:  # no room for one
            return _line(f"{share} {counts} {times}", width)
        grid = Table.grid(padding=(0, 1))
        grid.add_row(
            Text(output.one_line(self.run), style="bold"),
            ProgressBar(total=status.steps, completed=status.step, width=min(bar, 30)),
            share,
            counts,
            Text(times, style="dim"),
        )
        return grid

    def _figures(self, status: "StepStatus", width: int) -> list[str]:
        """Lines of rates and memory, and of what the optimizer sees."""
        rates = status.rates
        speed = [f"{number(rates.steps, digits=3)} steps/s", f"{_rate(rates.samples)} samples/s"]
        if rates.tokens is not None:
            speed.append(f"{_rate(rates.tokens)} tokens/s")
        speed += [f"{rates.waiting:.0%} waiting for data", size(status.memory)]
        state = [
            f"loss {number(status.smoothed_loss)}",
            f"learning rate {status.learning_rate:.2g}",
            f"gradient {number(status.gradient_norm, digits=2)}",
        ]
        return [*_joined(speed, width), *_joined(state, width)]

    def _row(self, store: str, width: int, trend: int) -> "Text":
        from rich.text import Text

        losses = self.losses.get(store, [])
        score = self.validation.by_store.get(store) if self.validation else None
        mark = "…" if output.is_unicode(sys.stderr) else "..."
        name = shortened(output.one_line(store), width - 1, mark=mark)
        text = Text(f"{name:<{width}}{number(losses[-1]) if losses else '-':>{LOSS}}  ")
        bars = _trend(losses) if trend and output.is_unicode(sys.stderr) else ""
        text.append(f"{bars:<{trend}}", "cyan")
        shown = "-" if score is None else number(score, digits=3)
        return text.append(f"{shown:>{SCORE}}", "green" if score is not None and score < 1 else "")


def _joined(figures: list[str], width: int) -> Iterator[str]:
    """Lines with as many of the figures as fit."""
    separator = " · " if output.is_unicode(sys.stderr) else " | "
    line = figures[0]
    for figure in figures[1:]:
        if len(line) + len(separator) + len(figure) > width:
            yield line
            line = figure
        else:
            line += separator + figure
    yield line


def _line(text: str, width: int, style: str = "bold") -> "Text":
    from rich.text import Text

    line = Text(output.one_line(text), style=style, no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    return line


def _validation(validation: "Validation") -> str:
    best = ""
    if math.isfinite(validation.best_score) and validation.best_step != validation.step:
        best = f"; best {number(validation.best_score, digits=3)} at {validation.best_step:,}"
    score = number(validation.score, digits=3)
    return f"step {validation.step:,}: {score} × the best training-free forecast's error{best}"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else number(value, digits=2)


def _trend(losses: list[float]) -> str:
    """Bars of a few losses, evenly spread over the training, on a logarithmic scale."""
    count = min(TREND - 2, len(losses))
    if count < 2:
        return ""
    picks = [round(index * (len(losses) - 1) / (count - 1)) for index in range(count)]
    values = [math.log(max(losses[pick], 1e-300)) for pick in picks]
    low, span = min(values), max(values) - min(values)
    if span == 0:
        return BARS[0] * count
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in values)
