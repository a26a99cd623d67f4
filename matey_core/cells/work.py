"""Train and test a cell, through the same doors as a person would."""

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import NamedTuple

import torch

from matey_core.cells import Cell, CellResult, TrainedCell, failed
from matey_core.cells.forecast import forecast_result
from matey_core.errors import RunError
from matey_core.progress import OnProgress, Progress, silent
from matey_core.runs.fit import TrainingReport
from matey_core.runs.scores import StoreScore
from matey_core.workflows.finetune import FinetuneConfig, finetune
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from matey_core.workflows.rollout import StoreRollout, rollout
from matey_core.workflows.rollout.settings import RolloutConfig


def use_one_thread() -> None:
    """Prepare a process beside others: cells in parallel have a thread each."""
    torch.set_num_threads(1)


def train(config: PretrainConfig | FinetuneConfig, on_progress: OnProgress = silent) -> TrainedCell:
    """Train a model; its settings, journal and weights stay.

    What an earlier attempt left, which was killed, is removed before.

    Raises:
        RunError: the disk is full.
    """
    folder = config.runs / str(config.name)
    shutil.rmtree(folder, ignore_errors=True)
    clock, began = StepClock(config, on_progress), time.perf_counter()
    validation, failure, parameters = math.inf, "", 0
    try:
        report = fit(config, clock)
        counts = report.start.parameters
        validation, parameters = _one_step(report.scores), counts.num_trained + counts.num_frozen
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    except RunError as error:
        if isinstance(error.__cause__, OSError):
            raise
        failure = str(error)
    return TrainedCell(
        run=folder.name,
        steps=config.steps,
        step_seconds=clock.step_seconds,
        seconds=time.perf_counter() - began,
        validation=validation,
        failure=failure,
        step_cpu_seconds=clock.step_cpu_seconds,
        parameters=parameters,
    )


def fit(config: PretrainConfig | FinetuneConfig, on_progress: OnProgress) -> TrainingReport:
    """Pretrain or fine-tune, as the settings are; with the one learning rate that is compared."""
    config = config.model_copy(update={"rollbacks": 0})
    if isinstance(config, PretrainConfig):
        return pretrain(config, on_progress)
    return finetune(config, on_progress)


def finish(
    cell: Cell, first: TrainedCell | None = None, on_progress: OnProgress = silent
) -> CellResult:
    """Fine-tune, if the cell does, and test.

    Args:
        cell: whose pretraining is finished.
        first: what came out of that; None where the cell has none.
        on_progress: called after every step.

    Raises:
        RunError: the disk is full.
    """
    if cell.forecast is not None:
        return forecast_result(cell)
    last = first
    if cell.finetuning is not None and not (first and first.failure):
        last = train(cell.finetuning, on_progress)
    assert last is not None
    if last.failure:
        return failed(last)
    return test(last, cell.evaluation, on_progress)


def test(trained: TrainedCell, evaluation: RolloutConfig, on_progress: OnProgress) -> CellResult:
    """Measure one-step errors and those of a rollout; predicted states are not kept."""
    began = time.perf_counter()
    # No cell keeps what other forecasts than persistence do, and fitting them takes time.
    stores = rollout(evaluation.model_copy(update={"forecasts": ()}), on_progress).stores
    assert evaluation.out is not None
    shutil.rmtree(evaluation.out, ignore_errors=True)
    leads, persistence_leads = _leads(stores, "error"), _leads(stores, "persistence")
    one_step = [store.one_step_mean for store in stores]
    errors = {name: fmean(each[name].error for each in one_step) for name in ("nrmse", "vrmse")}
    persistence = {
        name: fmean(each[name].persistence for each in one_step) for name in ("nrmse", "vrmse")
    }
    return CellResult(
        **asdict(trained),
        errors={**errors, "rollout": fmean(leads)},
        persistence={**persistence, "rollout": fmean(persistence_leads)},
        leads=leads,
        persistence_leads=persistence_leads,
        spread_leads=_leads(stores, "error", "vrmse"),
        test_seconds=time.perf_counter() - began,
    )


def _leads(stores: Sequence[StoreRollout], what: str, metric: str = "nrmse") -> tuple[float, ...]:
    """Mean error over stores, frame by frame, as far as all of them reach."""
    by_store = [
        [float(getattr(frame.mean[metric], what)) for frame in store.rollout] for store in stores
    ]
    return tuple(fmean(values) for values in zip(*by_store, strict=False))


def _one_step(scores: Sequence[StoreScore]) -> float:
    errors = [score.error for score in scores if score.lead_steps == 1]
    return fmean(errors) if errors else math.inf


class StepTime(NamedTuple):
    """Seconds, by the clock on the wall and of the CPU over all threads of this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "StepTime":
        """Both clocks."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, before: "StepTime") -> "StepTime":
        """Time that passed."""
        return StepTime(self.wall - before.wall, self.cpu - before.cpu)


class StepClock:
    """Passes progress on, and times the steps that follow another.

    Steps after a validation count only where there are no others.
    """

    def __init__(
        self, config: PretrainConfig | FinetuneConfig, on_progress: OnProgress = silent
    ) -> None:
        self.config = config
        self.on_progress = on_progress
        self._plain: list[StepTime] = []
        self._validated: list[StepTime] = []
        self._last: tuple[int, StepTime] | None = None

    def __call__(self, progress: Progress) -> None:
        """Take note of a step."""
        step, now = int(progress.done), StepTime.now()
        if self._last is not None:
            follows_validation = self.config.is_checkpoint(self._last[0])
            times = self._validated if follows_validation else self._plain
            times.append(now.since(self._last[1]))
        self._last = (step, now)
        self.on_progress(progress)

    @property
    def times(self) -> list[StepTime]:
        """Steps without a validation before, or all others where there are none."""
        return self._plain or self._validated

    @property
    def step_seconds(self) -> float:
        """Mean time of a step; ∞ where there was only one, which no other follows."""
        return fmean(each.wall for each in self.times) if self.times else math.inf

    @property
    def step_cpu_seconds(self) -> float:
        """The same in CPU seconds."""
        return fmean(each.cpu for each in self.times) if self.times else math.inf
