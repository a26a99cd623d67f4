"""Predict whole trajectories and measure the errors."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render
from matey_cli.commands._ratios import BEATEN, LEGEND, marked
from matey_cli.commands._rollout_tables import show_tables
from matey_cli.next_step import name_next
from matey_cli.options import (
    Given,
    configure,
    from_settings,
    one_of,
    option,
    options,
    run_names,
    store_names,
)

if TYPE_CHECKING:
    from matey_core.inference import Artifact
    from matey_core.workflows.rollout import LeadErrors, RolloutReport, StoreRollout

LINES, FEWEST_LINES = 11, 5
"""Of text that a picture and the rows of the table share on a screen of 24 lines, and of a picture
in any case."""


@from_settings(
    "matey_core.workflows.rollout.settings:RolloutConfig",
    option("run", complete=run_names),
    option("--data"),
    option(
        "--store",
        repeats=True,
        complete=store_names,
        help="Name of a store; may be repeated; by default all whose fields the model knows.",
    ),
    *options("--split --samples"),
    option(
        "--steps",
        help="Number of stored frames to predict, also beyond the end of the known truth; by "
        "default 20, or fewer where the truth ends earlier.",
    ),
    *options("--start --stride --history --windows --forecasts"),
    *options(
        "--tokens --flops --seconds --compile --batch-size --jitter --cycle --seed --limit --blend"
    ),
    *options("--animate --field --out --runs"),
)
def rollout(
    given: Given,
    full: Annotated[
        bool, typer.Option("--full", help="Print the errors of every field as well.")
    ] = False,
    plot: Annotated[
        bool | None,
        typer.Option(
            "--plot/--no-plot",
            help="Draw a picture of each store.  [default: where matplotlib is installed]",
        ),
    ] = None,
) -> None:
    r"""Predict whole trajectories and measure the errors.

    The model starts from the first frames of every test trajectory and then reads its own
    predictions. They are written to RUN/rollout/STORE.zarr, which xarray.open_zarr reads,
    with the coordinates of the truth; beside them lies a picture, and all errors are kept
    in RUN/scores.json. The table has a line for each store: errors relative to the truth
    (nRMSE) by lead, and their ratio to those of the best training-free forecast. `good`
    counts the frames with an error below half of the field's spread in space. A predicted
    frame that spreads wider in space than any training data is scaled down, and a note
    says so. persistence repeats the last known frame, linear extrapolates the last two
    frames, and local_linear fits the next change to the history. --full has the errors of
    every field, and one-step errors, which are measured on windows of whole trajectories,
    without jitter. --steps may go beyond the end of the known truth. A note names errors
    that jump where patches meet, or repeat from patch to patch; --jitter and --cycle move
    the patches from call to call.

    \b
      matey rollout
      matey rollout pretrain-001 --steps 90 --start 10
      matey rollout --store 2D_rdb_NA_NA --field height --full
      matey rollout --tokens 300
      matey rollout --steps 50 --jitter
      matey rollout --steps 60 --animate
      matey rollout --data ./other --store 2D_rdb_NA_NA --json
    """
    from matey_core.runs.project import project
    from matey_core.workflows.rollout import document_of
    from matey_core.workflows.rollout import rollout as work
    from matey_core.workflows.rollout.settings import RolloutConfig

    one_of(given, "the number of tokens", tokens="tokens", flops="flops", seconds="seconds")
    is_drawn = find_spec("matplotlib") is not None if plot is None else plot
    defaults = {"runs": project().runs, "plot": is_drawn, "beyond": "steps" in given}
    config = configure(RolloutConfig, given, defaults=defaults)
    with render.progress() as on_progress:
        report = work(config, on_progress)
    if not render.emit(document_of(report)):
        _show(report, full=full, runs=config.runs)


def _show(report: "RolloutReport", *, full: bool, runs: Path) -> None:
    from matey_cli.comparison import compare

    if full:
        for result in report.stores:
            show_tables(result, report)
    rows = max(FEWEST_LINES, LINES - len(report.stores))
    compare(report.stores[0].store, report.stores[0].shown, rows=rows)
    _show_summary(report)
    for result in report.stores:
        _show_notes(result, report)
    for note in filter(None, (report.limits, report.budget)):
        render.note(note)
    for name, reason in report.skipped.items():
        render.note(f"{name} is left out: {reason}.")
    if report.earlier:
        count = len(report.earlier)
        render.note(
            f"Earlier training saw {count} more store{'s' if count > 1 else ''}: name "
            f"{'them' if count > 1 else 'it'} with --store, or the folder with --data."
        )
    name_next("runs", runs=runs)


def _show_summary(report: "RolloutReport") -> None:
    """Print one line a store."""
    from matey_core.workflows.rollout import LEADS

    summaries = {result.store: result.summary for result in report.stores}
    leads = [lead for lead in LEADS if any(lead in each.nrmse for each in summaries.values())]
    has_other_last = any(each.known not in (0, *leads) for each in summaries.values())
    rows = [
        (
            name,
            *(_error(each.nrmse.get(lead)) for lead in leads),
            *([_error(each.nrmse.get(each.known))] if has_other_last else []),
            each.forecast.replace("_", " ") or None,
            marked(each.ratio),
            f"{each.good}/{each.known}",
        )
        for name, each in summaries.items()
    ]
    names = [f"lead {lead}" if lead == 1 else str(lead) for lead in leads]
    last = ["last"] if has_other_last else []
    render.table(
        f"nRMSE of rollouts of {report.split} trajectories, mean over fields",
        ["store", *names, *last, "forecast", "ratio", "good"],
        rows,
        caption="forecast: the best one without training. ratio: nRMSE to its nRMSE. good: frames "
        f"until the error is half of the field's spread.{LEGEND if BEATEN in str(rows) else ''}",
    )
    render.caption(_places(report))


def _places(report: "RolloutReport") -> str:
    """Where scores, states and pictures are."""
    first = report.stores[0]
    name = "STORE" if len(report.stores) > 1 else first.store
    suffixes = ".zarr" if first.picture is None else ".zarr and .png"
    films = "" if first.film is None else f", {first.film.parent / name}{first.film.suffix}"
    return f"Wrote {report.scores}, {first.path.parent / name}{suffixes}{films}"


def _error(value: float | None) -> str:
    return "–" if value is None else _number(value, digits=2)


def _number(value: float, *, digits: int = 3) -> str:
    return {"inf": "∞", "nan": "–"}.get(text := render.number(value, digits=digits), text)


def _not_finite(errors: "LeadErrors") -> bool:
    return any(score.not_finite for by_name in errors.fields.values() for score in by_name.values())


def _show_notes(result: "StoreRollout", report: "RolloutReport") -> None:
    if result.blended:
        parts = [f"{name} by up to {blend.most:.0%}" for name, blend in result.blended.items()]
        count = result.blended_frames
        frames = "first frame" if count == 1 else f"first {count} frames"
        render.note(f"{result.store}: {frames} blended with local linear: {', '.join(parts)}.")
    if result.limited:
        render.note(f"{result.store}: {_limits(result)}")
    lost = [errors.lead for errors in result.rollout if _not_finite(errors)]
    if lost:
        render.note(f"{result.store}: predictions are NaN or infinite from lead {lost[0]} on.")
    if result.artifacts:
        render.note(f"{result.store}: {_artifact(result.artifacts[0], report)}")
    if any(score.undefined for by_name in result.one_step.values() for score in by_name.values()):
        render.note(f"{result.store}: windows with a constant target are left out (see --json).")
    if result.was_trained_on:
        render.note(f"{result.store}: trained the model: {', '.join(result.was_trained_on)}.")


def _limits(result: "StoreRollout") -> str:
    """Which fields were limited, from where on, and in how many trajectories."""
    parts = [
        f"{each.field} from lead {each.lead} on ({each.samples} of {len(result.samples)})"
        for each in result.limited
    ]
    return f"limited to what training data showed: {', '.join(parts)}."


def _artifact(artifact: "Artifact", report: "RolloutReport") -> str:
    found = artifact.last
    advice = "train with --set jitter=true" if report.jitter else "try --jitter"
    where = (
        f"at the edges of {found.patch}-point patches"
        if found.kind == "edges"
        else f"in what repeats from one {found.patch}-point patch to the next"
    )
    return (
        f"the error of {found.field} has {render.number(found.ratio, digits=2)} times the power of "
        f"its surroundings {where} along {found.axis} from lead {artifact.since} on: {advice}."
    )
