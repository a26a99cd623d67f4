"""Results of an arena so far: a row for every model and training-free forecast."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Literal

from matey_core.cells import CellResult
from matey_core.runs.scores import geometric_mean
from matey_core.studies.arena.forecasts import ForecastErrors
from matey_core.studies.statistics import Interval, interval_of

SPREAD = 0.5
"""VRMSE up to which a rollout counts as good: half of the field's spread in space."""

ONE_STEP, HORIZON = "one step", "horizon"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """Size, training and speed of a model; medians over seeds."""

    parameters: int
    steps: int
    learning_rate: float
    step_seconds: float
    """CPU seconds over all threads, or GPU seconds."""
    seeds: int
    diverged: int
    """Seeds whose training diverged; their errors are ∞."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaRow:
    """A model or a forecast on one data set, on test data."""

    name: str
    cost: ModelCost | None
    """None for a forecast, which is not trained."""
    errors: dict[str, Interval]
    """`one step` or a frame of the rollout → nRMSE, mean over fields."""
    horizon: Interval
    """Frames of a rollout before its VRMSE passes one half."""
    leads: tuple[float, ...]
    """Median nRMSE of every frame of the rollout."""
    beaten: tuple[str, ...] = ()
    """Columns in which the best forecast is better than this model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Results on one data set."""

    data: str
    store: Path
    frames: int
    """Frames of the rollouts."""
    rows: tuple[ArenaRow, ...]
    """Models, then forecasts."""

    @property
    def models(self) -> list[ArenaRow]:
        """Rows of the trained models."""
        return [row for row in self.rows if row.cost]

    def best(self, column: str) -> float:
        """The smallest error of a forecast; ∞ where there is none."""
        errors = [row.errors[column].median for row in self.rows if not row.cost]
        return min(errors, default=math.inf)

    def best_rival(self, model: ArenaRow, column: str) -> float:
        """The smallest error of another model; 0 where there is none."""
        errors = [row.errors[column].median for row in self.models if row is not model]
        return min(errors, default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """Results of one model over all data sets."""

    name: str
    data_sets: int
    """Number of data sets on which it is finished."""
    ratios: dict[str, float]
    """`one step` or `late` → geometric mean of its error over that of the best forecast.
    `late` is the last frame that the settings name, or the rollout's last if that is earlier."""
    rivals: dict[str, float]
    """The same over the best of the other models; ∞ where there is none."""
    beaten: int
    """Number of data sets on which a forecast is better in one of the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaReport:
    """Results of an arena."""

    out: Path
    seconds: float
    unit: Literal["CPU", "GPU"]
    cells: int
    finished: int
    overall: tuple[Overall, ...]
    tables: tuple[Table, ...]
    """Tables of the data sets on which a model is finished."""
    plot: Path | None
    notes: tuple[str, ...]


def table_of(
    data: str,
    store: Path,
    *,
    frames: Sequence[int],
    models: Mapping[str, Sequence[tuple[CellResult, float]]],
    forecasts: Mapping[str, ForecastErrors],
    unit: Literal["CPU", "GPU"],
) -> Table:
    """Summarize the finished seeds.

    Args:
        data: name of the data set.
        store: its place.
        frames: of the rollout that the table shows.
        models: arm → results of its seeds, each with the learning rate.
        forecasts: name → its errors.
        unit: whether a step has CPU seconds or GPU seconds.
    """
    known = [result for each in models.values() for result, _ in each if result.leads]
    last = min((len(result.leads) for result in known), default=0)
    columns = [frame for frame in frames if frame < last] + ([last] if last else [])
    free = [_row(name, [each], columns, None, last) for name, each in forecasts.items()]
    rows = [
        _marked(_row(name, [each for each, _ in found], columns, _cost(found, unit), last), free)
        for name, found in models.items()
    ]
    return Table(data=data, store=store, frames=last, rows=(*rows, *free))


def overall_of(tables: Sequence[Table], frames: Sequence[int]) -> tuple[Overall, ...]:
    """Sum up every model over the data sets that it is finished on."""
    names = dict.fromkeys(row.name for table in tables for row in table.models)
    found = []
    for name in names:
        ratios: dict[str, list[float]] = {ONE_STEP: [], "late": []}
        rivals: dict[str, list[float]] = {ONE_STEP: [], "late": []}
        beaten = 0
        for table in tables:
            for row in table.models:
                if row.name == name:
                    late = str(min(max(frames), table.frames))
                    pairs = {ONE_STEP: ONE_STEP, "late": late}
                    for key, column in pairs.items():
                        error = row.errors[column].median
                        ratios[key].append(_ratio(error, table.best(column)))
                        rivals[key].append(_ratio(error, table.best_rival(row, column)))
                    beaten += any(column in row.beaten for column in pairs.values())
        found.append(
            Overall(
                name=name,
                data_sets=len(ratios["late"]),
                ratios={key: geometric_mean(values) for key, values in ratios.items()},
                rivals={key: geometric_mean(values) for key, values in rivals.items()},
                beaten=beaten,
            )
        )
    return tuple(found)


def _row(
    name: str,
    results: Sequence[CellResult | ForecastErrors],
    columns: Sequence[int],
    cost: ModelCost | None,
    last: int,
) -> ArenaRow:
    leads = [each.leads or (math.inf,) * last for each in results]
    spreads = [each.spread_leads or (math.inf,) * last for each in results]
    errors = {ONE_STEP: interval_of([_one_step(each) for each in results])}
    errors |= {str(lead): interval_of([each[lead - 1] for each in leads]) for lead in columns}
    good = [sum(1 for _ in takewhile(lambda error: error <= SPREAD, each)) for each in spreads]
    return ArenaRow(
        name=name,
        cost=cost,
        errors=errors,
        horizon=interval_of([float(count) for count in good]),
        leads=tuple(statistics.median(values) for values in zip(*leads, strict=False)),
    )


def _one_step(result: CellResult | ForecastErrors) -> float:
    return result.errors["nrmse"] if isinstance(result, CellResult) else result.one_step


def _cost(found: Sequence[tuple[CellResult, float]], unit: str) -> ModelCost:
    results = [result for result, _ in found]
    return ModelCost(
        parameters=max(each.parameters for each in results),
        steps=results[0].steps,
        learning_rate=found[0][1],
        step_seconds=statistics.median(
            each.step_cpu_seconds if unit == "CPU" else each.step_seconds for each in results
        ),
        seeds=len(results),
        diverged=sum(bool(each.failure) for each in results),
    )


def _marked(row: ArenaRow, free: Sequence[ArenaRow]) -> ArenaRow:
    if not free:
        return row
    columns = [
        column
        for column, error in row.errors.items()
        if error.median > min(each.errors[column].median for each in free)
    ]
    if row.horizon.median < max(each.horizon.median for each in free):
        columns.append(HORIZON)
    return replace(row, beaten=tuple(columns))


def _ratio(error: float, best: float) -> float:
    """∞ over ∞ is ∞, and so is anything over an exact forecast; 0 has a logarithm here."""
    return math.inf if math.isinf(error) or best == 0 else max(error / best, 1e-300)
