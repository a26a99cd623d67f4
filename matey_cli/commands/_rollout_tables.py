"""All errors of a rollout as tables: field by field, lead by lead."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matey_cli import render

if TYPE_CHECKING:
    from matey_core.inference import Score
    from matey_core.workflows.rollout import LeadErrors, RolloutReport, StoreRollout

WORSE = "†"
BEATEN = "‡"


def show_tables(result: "StoreRollout", report: "RolloutReport") -> None:
    """Print one-step errors and those of the rollout, over one store."""
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


def _shown(rollout: "tuple[LeadErrors, ...]") -> "list[LeadErrors]":
    """Leads 1, 2, 4, 8, … and the last."""
    last = rollout[-1].lead
    return [
        errors for errors in rollout if errors.lead & (errors.lead - 1) == 0 or errors.lead == last
    ]


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
