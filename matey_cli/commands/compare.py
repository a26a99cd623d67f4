"""Compare runs: settings that differ, and scores."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matey_cli import output, render
from matey_cli.commands._ratios import LEGEND, marked
from matey_cli.next_step import name_next
from matey_cli.options import run_names

if TYPE_CHECKING:
    from matey_core.catalog import RunComparison, RunRecord

WIDTH = 24
"""Characters of a curve."""
BARS = "▁▂▃▄▅▆▇█"


def compare(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN…", help="Runs, by name or path.", autocompletion=run_names),
    ],
    runs: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Folder of the runs.  [default: runs]", show_default=False
        ),
    ] = None,
) -> None:
    r"""Compare runs: settings that differ, and scores.

    Scores are errors relative to those of the best training-free forecast: of the best
    validation at each lead, and of the last `matey rollout` of each run.

    \b
      matey compare pretrain-001 pretrain-002
      matey compare pretrain-001 finetune-001 finetune-002 --json
    """
    from matey_core.catalog import compare_runs
    from matey_core.runs.project import project

    report = compare_runs(names, runs=runs or project().runs)
    if not render.emit(report):
        _show(report)


def _show(report: "RunComparison") -> None:
    columns = [run.name for run in report.runs]
    if report.settings:
        render.table(
            "Settings that differ",
            ("setting", *columns),
            [(row.setting, *map(_setting, row.values)) for row in report.settings],
        )
    else:
        render.heading("No setting differs.")
    _show_curves(report.runs)
    rows = [(row.store, row.what, *map(marked, row.values)) for row in report.scores]
    if rows:
        render.table(
            "Errors relative to the best training-free forecast's",
            ("store", "at", *columns),
            rows,
            caption=LEGEND.strip() if "‡" in str(rows) else "",
        )
    missing = [run for run in report.runs if run.model and not run.rollout]
    if missing:
        name_next("rollout", missing[0].path.name, runs=missing[0].path.parent)
    else:
        name_next("info", report.runs[-1].path)


def _show_curves(runs: "tuple[RunRecord, ...]") -> None:
    """Print how each run became better."""
    render.table(
        "Validation scores",
        ("run", "steps", "best", "at step", "from the first validation to the last"),
        [(run.name, run.steps, marked(run.score), run.best_step, _curve(run)) for run in runs],
    )


def _curve(run: "RunRecord") -> str:
    """Scores as bars, of logarithms between the smallest and the largest."""
    scores = [math.log(score) for _, score in run.curve if score > 0 and math.isfinite(score)]
    if not scores:
        return "–"
    width = min(WIDTH, len(scores))
    picked = [scores[index * len(scores) // width] for index in range(width)]
    low, high = min(scores), max(scores)
    first, last = (render.number(math.exp(each), digits=3) for each in (scores[0], scores[-1]))
    if not output.is_unicode(sys.stdout) or high <= low:
        return f"{first} to {last}"
    bars = "".join(BARS[round((each - low) / (high - low) * 7)] for each in picked)
    return f"{first} {bars} {last}"


def _setting(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
