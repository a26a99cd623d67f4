"""How a training is followed: one live screen on a color terminal, lines elsewhere."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matey_cli import output, render
from matey_cli.commands._validation import show_validation

if TYPE_CHECKING:
    from matey_core.runs.scores import Validation
    from matey_core.runs.start import OnStart, StartFacts

Callbacks = Mapping[str, Callable[..., None]]
"""`on_progress`, `on_start`, `on_validation` and `on_step` of a workflow that trains."""
REFRESHES = 4
"""Times a second that the screen is drawn."""


@contextmanager
def following(show_start: "OnStart") -> Iterator[Callbacks]:
    """Show a training until the block ends.

    Args:
        show_start: says what is trained, above all else.
    """
    if output.has_color(sys.stderr) and not (output.current().quiet or output.current().json):
        with _live(show_start) as callbacks:
            yield callbacks
    else:
        with render.progress() as on_progress:
            yield {
                "on_progress": on_progress,
                "on_start": show_start,
                "on_validation": show_validation,
            }


@contextmanager
def _live(show_start: "OnStart") -> Iterator[Callbacks]:
    from rich.live import Live

    from matey_cli.training import TrainingScreen

    screen, console = TrainingScreen(), output.console(sys.stderr)

    def started(facts: "StartFacts") -> None:
        show_start(facts)
        screen.started(facts)

    def validated(validation: "Validation") -> None:
        show_validation(validation)
        screen.validated(validation)

    with Live(
        get_renderable=lambda: screen.drawn(width=console.width, height=console.height),
        console=console,
        refresh_per_second=REFRESHES,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ):
        yield {
            "on_progress": screen.progressed,
            "on_start": started,
            "on_validation": validated,
            "on_step": screen.stepped,
        }
