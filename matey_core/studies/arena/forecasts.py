"""Errors of training-free forecasts, measured by `matey rollout` once for every data set."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from matey_core.cells import CellResult, Task, deciding, hashed
from matey_core.cells.log import JsonLines, number
from matey_core.inference import Score
from matey_core.studies.arena.stages import Stages
from matey_core.workflows.rollout import StoreRollout, rollout


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastErrors:
    """Errors of one forecast on the test data."""

    one_step: float
    """nRMSE."""
    leads: tuple[float, ...]
    """nRMSE of every frame of the rollout."""
    spread_leads: tuple[float, ...]
    """VRMSE of every frame."""


class ForecastLog:
    """A file of JSON lines with the errors of forecasts."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines

    def of(
        self, stages: Stages, tasks: list[Task], results: Mapping[str, CellResult]
    ) -> dict[str, ForecastErrors]:
        """Errors by forecast; empty before a model of the data set is trained.

        The forecasts are measured beside that model, on the windows and trajectories of its test.

        Args:
            stages: the data set.
            tasks: its cells.
            results: finished cells, by their hash.
        """
        key = forecast_key(tasks[0], stages.fingerprints(stages.place))
        if key not in self._lines.rows:
            trained = [task for task in tasks if _has_model(results.get(task.cell.key))]
            if not trained:
                return {}
            found = _measure(trained[0])
            rows = {name: asdict(each) for name, each in found.items()}
            self._lines.append({"key": key, "data": stages.name, "forecasts": rows})
        rows = self._lines.rows[key]["forecasts"]
        return {name: _parsed(row) for name, row in rows.items()}


def forecast_key(task: Task, stores: tuple[str, ...]) -> str:
    """Hash what decides the errors of forecasts beside a cell's model.

    Args:
        task: the cell.
        stores: what identifies the data set.
    """
    return hashed(
        {
            "stores": stores,
            "settings": deciding(task.cell.evaluation),
            "history": task.cell.pretraining.history,
        }
    )


def _has_model(result: CellResult | None) -> bool:
    return result is not None and not result.failure


def _measure(task: Task) -> dict[str, ForecastErrors]:
    evaluation = task.cell.evaluation
    [store] = rollout(evaluation).stores
    assert evaluation.out is not None
    shutil.rmtree(evaluation.out, ignore_errors=True)
    names = ("persistence", *store.one_step_mean["nrmse"].forecasts)
    return {name: _errors(store, name) for name in names}


def _errors(store: StoreRollout, name: str) -> ForecastErrors:
    def error(score: Score) -> float:
        return score.persistence if name == "persistence" else score.forecasts[name]

    return ForecastErrors(
        one_step=error(store.one_step_mean["nrmse"]),
        leads=tuple(error(frame.mean["nrmse"]) for frame in store.rollout),
        spread_leads=tuple(error(frame.mean["vrmse"]) for frame in store.rollout),
    )


def _parsed(row: Mapping[str, Any]) -> ForecastErrors:
    """Read a line; null stands for ∞."""
    return ForecastErrors(
        one_step=number(row["one_step"]),
        leads=tuple(map(number, row["leads"])),
        spread_leads=tuple(map(number, row["spread_leads"])),
    )
