"""How a validation is shown: a line while training, a table at the end."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from matey_cli import render
from matey_cli.commands._ratios import BEATEN, LEGEND, marked
from matey_cli.widths import shortened

if TYPE_CHECKING:
    from matey_core.runs.scores import StoreScore, Validation

WIDTH = 79
"""Characters of a line."""


def show_validation(validation: "Validation") -> None:
    """Say in one line how good the model is, where it is worst, and when it was best."""
    if not isfinite(validation.best_score):
        best = "none was finite"
    elif validation.step == validation.best_step:
        best = "best so far"
    else:
        best = f"best {_number(validation.best_score)} at {validation.best_step:,}"
    line = (
        f"step {validation.step:,}/{validation.steps:,}  score {marked(validation.score)}  {best}"
    )
    worst = marked(validation.worst_score)
    name = shortened(validation.worst_store, WIDTH - len(line) - len(f"  worst  {worst}"))
    render.note(f"{line}  worst {name} {worst}")


def show_scores(scores: "Sequence[StoreScore]", *, step: int) -> None:
    """Print the errors of the best weights beside those of the best training-free forecasts."""
    if not scores:
        return
    rows = [_row(score) for score in scores]
    legend = LEGEND if any(BEATEN in row[-1] for row in rows) else ""
    rolled = " Rolled: by single steps." if any(score.is_rollout for score in scores) else ""
    render.table(
        "Validation",
        ("store", "lead", "nRMSE", "best forecast", "its nRMSE", "ratio"),
        rows,
        caption=f"Step {step}, means over fields, each beside its best training-free forecast."
        f"{rolled}{legend}",
    )
    if step == 0:
        render.note("No step was better than the start: the weights saved are the initial ones.")


def _row(score: "StoreScore") -> tuple[Any, ...]:
    return (
        score.store,
        f"{score.lead_steps} rolled" if score.is_rollout else str(score.lead_steps),
        score.error,
        score.forecast.replace("_", " "),
        score.forecast_error,
        marked(score.ratio),
    )


def _number(value: float) -> str:
    return render.number(value, digits=3)
