"""Predict whole trajectories and measure the errors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from matey_cli import render
from matey_cli.options import Given, configure, from_settings, one_of, option, options, run_names

if TYPE_CHECKING:
    from matey_core.inference import Artifact, Score
    from matey_core.workflows.rollout import LeadErrors, RolloutReport, StoreRollout

WORSE = "†"
BEATEN = "‡"


@from_settings(
    "matey_core.workflows.rollout.settings:RolloutConfig",
    option("run", complete=run_names),
    option("--data"),
    option(
        "--store",
        repeats=True,
        help="Name of a store; may be repeated; by default all whose fields the model knows.",
    ),
    *options("--split --samples --steps --start --stride --history --windows --forecasts"),
    *options("--tokens --flops --seconds --compile --batch-size --jitter --cycle --seed"),
    *options("--out --runs"),
)
def rollout(given: Given) -> None:
    r"""Predict whole trajectories and measure the errors.

    The model starts from the first frames of every test trajectory and then reads its
    own predictions. They are written to RUN/rollout/STORE.zarr, which xarray.open_zarr
    reads, with the coordinates of the truth. The tables show errors relative to the
    truth (nRMSE) and to its variation in space (VRMSE), beside those of training-free
    forecasts. persistence repeats the last known frame, linear extrapolates the last
    two frames, and local_linear fits the next change to the history. Errors larger than
    those of persistence (†), or of the best other forecast (‡), are marked. One-step
    errors are measured on windows of whole trajectories, without jitter. A note names
    errors that jump where patches meet, or repeat from patch to patch; --jitter and
    --cycle move the patches from call to call.

    \b
      matey rollout
      matey rollout pretrain-001 --steps 90 --start 10
      matey rollout --tokens 300
      matey rollout --steps 50 --jitter
      matey rollout --data ./other --store 2D_rdb_NA_NA --json
    """
    from matey_core.runs.project import project
    from matey_core.workflows.rollout import rollout as work
    from matey_core.workflows.rollout.settings import RolloutConfig

    one_of(given, "the number of tokens", tokens="tokens", flops="flops", seconds="seconds")
    config = configure(RolloutConfig, given, defaults={"runs": project().runs})
    with render.progress() as on_progress:
        report = work(config, on_progress)
    if not render.emit(_document(report)):
        _show(report)


def _show(report: "RolloutReport") -> None:
    for result in report.stores:
        _show_store(result, report)
    if report.budget:
        render.note(report.budget)
    for name, reason in report.skipped.items():
        render.note(f"{name} is left out: {reason}.")


def _show_store(result: "StoreRollout", report: "RolloutReport") -> None:
    number = f"all {result.windows}"
    if result.windows < result.windows_available:
        number = f"{result.windows} of {result.windows_available}"
    forecasts = next(iter(result.one_step_mean.values())).forecasts
    columns = ("field", "lead", "nRMSE", "persistence", *map(_words, forecasts), "VRMSE")
    render.table(
        f"{result.store}: one step, over {number} {report.split} windows",
        columns,
        one_step := _rows(1, result.one_step, result.one_step_mean),
    )
    rows = [
        row
        for errors in _shown(result.rollout)
        for row in _rows(errors.lead, errors.fields, errors.mean)
    ]
    count = len(result.samples)
    render.table(
        f"{result.store}: rollout of {count} {report.split} trajector{'y' if count == 1 else 'ies'}"
        f" over {result.steps} frames",
        columns,
        rows,
        caption=f"{_legend([*one_step, *rows])}States: {result.path}",
    )
    _show_notes(result, report)


def _show_notes(result: "StoreRollout", report: "RolloutReport") -> None:
    lost = [errors.lead for errors in result.rollout if _not_finite(errors)]
    if lost:
        render.note(f"{result.store}: predictions are NaN or infinite from lead {lost[0]} on.")
    if result.artifacts:
        render.note(f"{result.store}: {_artifact(result.artifacts[0], report)}")
    if any(score.undefined for by_name in result.one_step.values() for score in by_name.values()):
        render.note(f"{result.store}: windows with a constant target are left out (see --json).")
    if result.was_trained_on:
        render.note(f"{result.store}: trained the model: {', '.join(result.was_trained_on)}.")


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


def _shown(rollout: "tuple[LeadErrors, ...]") -> "list[LeadErrors]":
    """Leads 1, 2, 4, 8, … and the last."""
    last = rollout[-1].lead
    return [
        errors for errors in rollout if errors.lead & (errors.lead - 1) == 0 or errors.lead == last
    ]


def _not_finite(errors: "LeadErrors") -> bool:
    return any(score.not_finite for by_name in errors.fields.values() for score in by_name.values())


def _rows(
    lead: int, fields: "Mapping[str, Mapping[str, Score]]", mean: "Mapping[str, Score]"
) -> list[tuple[Any, ...]]:
    named = [*fields.items(), *([("mean", mean)] if len(fields) > 1 else [])]
    return [_row(lead, name, scores) for name, scores in named]


def _row(lead: int, name: str, scores: "Mapping[str, Score]") -> tuple[Any, ...]:
    nrmse, vrmse = scores["nrmse"], scores["vrmse"]
    others = (_number(error) for error in (nrmse.persistence, *nrmse.forecasts.values()))
    return (name, lead, _value(nrmse), *others, _value(vrmse))


def _value(score: "Score") -> str:
    mark = WORSE if score.is_worse else BEATEN if score.is_beaten else ""
    return f"{_number(score.error)} {mark}".strip()


def _legend(rows: "Sequence[Sequence[Any]]") -> str:
    """What the marks in some rows mean."""
    text = " ".join(str(value) for row in rows for value in row)
    meanings = {
        WORSE: "worse than persistence, which repeats the last known frame",
        BEATEN: "worse than the best forecast without training",
    }
    return "".join(f"{mark} {meaning}. " for mark, meaning in meanings.items() if mark in text)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float) -> str:
    return {"inf": "∞", "nan": "–"}.get(text := render.number(value, digits=3), text)


def _document(report: "RolloutReport") -> dict[str, Any]:
    """The report with each field's scores side by side: nrmse, persistence_nrmse, …."""
    from matey_core.inference import strongest

    return {
        "model": report.model,
        "split": report.split,
        "history": report.history,
        "start": report.start,
        "stride": report.stride,
        "jitter": report.jitter,
        "cycle": report.cycle,
        "seed": report.seed,
        "skipped": report.skipped,
        "budget": report.budget,
        "stores": [
            {
                "store": result.store,
                "path": result.path,
                "samples": result.samples,
                "was_trained_on": result.was_trained_on,
                "steps": result.steps,
                "windows": result.windows,
                "windows_available": result.windows_available,
                "one_step": _flat_fields(result.one_step),
                "one_step_mean": _flat(result.one_step_mean),
                "rollout": [
                    {
                        "lead": errors.lead,
                        "lead_time": errors.lead_time,
                        "fields": _flat_fields(errors.fields),
                        "mean": _flat(errors.mean),
                        "patch_power": {
                            str(patch): ratio for patch, ratio in strongest(errors.patches).items()
                        },
                    }
                    for errors in result.rollout
                ],
                "artifacts": [
                    {**asdict(artifact.last), "since": artifact.since}
                    for artifact in result.artifacts
                ],
            }
            for result in report.stores
        ],
    }


def _flat_fields(fields: "Mapping[str, Mapping[str, Score]]") -> dict[str, Any]:
    return {name: _flat(scores) for name, scores in fields.items()}


def _flat(scores: "Mapping[str, Score]") -> dict[str, Any]:
    values: dict[str, Any] = {name: score.error for name, score in scores.items()}
    for name, score in scores.items():
        errors = {"persistence": score.persistence, **score.forecasts}
        values |= {f"{forecast}_{name}": error for forecast, error in errors.items()}
    values["best_forecast"] = {name: score.best_forecast for name, score in scores.items()}
    values["worse_than_persistence"] = [name for name, score in scores.items() if score.is_worse]
    values["worse_than_best_forecast"] = [name for name, score in scores.items() if score.is_beaten]
    values["cases"] = {name: score.cases for name, score in scores.items()}
    values["undefined"] = {name: score.undefined for name, score in scores.items()}
    values["not_finite"] = max(score.not_finite for score in scores.values())
    return values
