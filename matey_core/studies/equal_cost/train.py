"""Train and test one cell, through the same doors as a person would."""

import math
import shutil
import time
from statistics import fmean

from matey_core.errors import RunError
from matey_core.progress import OnProgress, Progress
from matey_core.runs.fit import TrainingReport
from matey_core.studies.equal_cost.cells import METRICS, Cell, CellResult, Evaluation
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from matey_core.workflows.rollout import RolloutReport, rollout
from matey_core.workflows.rollout.settings import RolloutConfig


def train_cell(cell: Cell, evaluation: Evaluation, on_progress: OnProgress) -> CellResult:
    """Train a cell's model, test it, and keep its settings, journal and weights.

    What an earlier attempt left, which was killed, is removed before.

    Raises:
        RunError: the disk is full.
    """
    config = cell.config
    folder = config.runs / str(config.name)
    shutil.rmtree(folder, ignore_errors=True)
    clock = _StepClock(config, on_progress)
    try:
        trained = pretrain(config, clock)
    except RunError as error:
        if isinstance(error.__cause__, OSError):
            raise
        return _result(cell, clock.step_seconds, failure=str(error))
    tested = rollout(
        RolloutConfig(
            run=trained.run,
            runs=config.runs,
            steps=evaluation.rollout_steps,
            windows=evaluation.windows,
        )
    )
    for part in ("checkpoints", "rollout"):
        shutil.rmtree(folder / part, ignore_errors=True)
    return _result(cell, clock.step_seconds, trained, tested)


def _result(
    cell: Cell,
    step_seconds: float,
    trained: TrainingReport | None = None,
    tested: RolloutReport | None = None,
    *,
    failure: str = "",
) -> CellResult:
    validation, leads = math.inf, tuple[float, ...]()
    errors = persistence = dict.fromkeys(METRICS, math.inf)
    if trained is not None and tested is not None:
        one_step_scores = [score.error for score in trained.scores if score.lead_steps == 1]
        validation = one_step_scores[0] if one_step_scores else math.inf
        [store] = tested.stores
        leads = tuple(frame.mean["nrmse"].error for frame in store.rollout)
        one_step = store.one_step_mean
        errors = {name: one_step[name].error for name in ("nrmse", "vrmse")}
        persistence = {name: one_step[name].persistence for name in ("nrmse", "vrmse")}
        errors["rollout"] = fmean(leads)
        persistence["rollout"] = fmean(frame.mean["nrmse"].persistence for frame in store.rollout)
    return CellResult(
        key=cell.key,
        store=cell.store,
        arm=cell.arm.name,
        seed=cell.config.seed,
        learning_rate=cell.config.optimizer.learning_rate,
        steps=cell.config.steps,
        run=str(cell.config.name),
        step_seconds=step_seconds,
        validation=validation,
        errors=errors,
        persistence=persistence,
        leads=leads,
        failure=failure,
    )


class _StepClock:
    """Passes progress on, and times the steps that follow another without a validation."""

    def __init__(self, config: PretrainConfig, on_progress: OnProgress) -> None:
        self.config = config
        self.on_progress = on_progress
        self._times: list[float] = []
        self._last: tuple[int, float] | None = None

    def __call__(self, progress: Progress) -> None:
        step, now = int(progress.done), time.perf_counter()
        if self._last is not None and not self.config.is_checkpoint(self._last[0]):
            self._times.append(now - self._last[1])
        self._last = (step, now)
        self.on_progress(progress)

    @property
    def step_seconds(self) -> float:
        """Mean time of a step; ∞ where none could be timed."""
        return fmean(self._times) if self._times else math.inf
