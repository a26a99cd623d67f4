"""What a rollout has found as one JSON document, printed and kept in the run."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from matey_core.durable import written
from matey_core.inference import Score, strongest
from matey_core.journal import finite
from matey_core.workflows.rollout.leads import LeadErrors
from matey_core.workflows.rollout.report import RolloutReport, StoreRollout


def document_of(report: RolloutReport) -> dict[str, Any]:
    """The report with each field's scores side by side: nrmse, persistence_nrmse, …."""
    return {
        "model": str(report.model),
        "split": report.split,
        "history": report.history,
        "start": report.start,
        "stride": report.stride,
        "jitter": report.jitter,
        "cycle": report.cycle,
        "seed": report.seed,
        "skipped": report.skipped,
        "earlier": report.earlier,
        "budget": report.budget,
        "limits": report.limits,
        "scores": str(report.scores),
        "stores": [_store(result) for result in report.stores],
    }


def keep(report: RolloutReport) -> None:
    """Write the document into the run; an earlier one is replaced.

    Raises:
        RunError: the file cannot be written.
    """
    content = {"written": datetime.now(UTC).isoformat(timespec="seconds"), **document_of(report)}
    text = json.dumps(finite(content), allow_nan=False, indent=1)
    with written(report.scores) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _store(result: StoreRollout) -> dict[str, Any]:
    return {
        "store": result.store,
        "path": str(result.path),
        "picture": None if result.picture is None else str(result.picture),
        "film": None if result.film is None else str(result.film),
        "samples": result.samples,
        "was_trained_on": result.was_trained_on,
        "steps": result.steps,
        "windows": result.windows,
        "windows_available": result.windows_available,
        "summary": asdict(result.summary),
        "one_step": _flat_fields(result.one_step),
        "one_step_mean": _flat(result.one_step_mean),
        "rollout": [_lead(errors) for errors in result.rollout],
        "limited": [asdict(each) for each in result.limited],
        "blended": {name: blend.most for name, blend in result.blended.items()},
        "blended_frames": result.blended_frames,
        "artifacts": [
            {**asdict(artifact.last), "since": artifact.since} for artifact in result.artifacts
        ],
    }


def _lead(errors: LeadErrors) -> dict[str, Any]:
    return {
        "lead": errors.lead,
        "lead_time": errors.lead_time,
        "fields": _flat_fields(errors.fields),
        "mean": _flat(errors.mean),
        "patch_power": {str(patch): ratio for patch, ratio in strongest(errors.patches).items()},
    }


def _flat_fields(fields: Mapping[str, Mapping[str, Score]]) -> dict[str, Any]:
    return {name: _flat(scores) for name, scores in fields.items()}


def _flat(scores: Mapping[str, Score]) -> dict[str, Any]:
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
