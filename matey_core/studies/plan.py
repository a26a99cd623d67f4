"""What a study will do, and how long it will take, said before it begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matey_core.cells import Task
from matey_core.cells.log import CellLog
from matey_core.data import Windows
from matey_core.runs.sources import open_stores
from matey_core.runs.validation import rollout_frames
from matey_core.store import Store
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig

FORWARD = 1 / 3
"""Time of a prediction, in training steps."""
HISTORY, MAX_LEAD = 4, 2
"""Where a fine-tuning leaves them to its source: only the estimated time depends on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What will be done."""

    out: Path
    cells: int
    finished: int
    """Cells that an earlier run of the study has finished."""
    pretrainings: int
    """That cells share, and that are not finished."""
    seconds: float
    """Time for all that is not finished with its tests, as measured steps promise."""
    jobs: int
    step_seconds: dict[str, float]
    """Arm → time of a step in the training that is compared."""
    notes: tuple[str, ...] = ()


def plan_of(
    tasks: Sequence[Task],
    log: CellLog,
    times: Mapping[str, Mapping[str, float]],
    *,
    out: Path,
    jobs: int,
    notes: tuple[str, ...] = (),
) -> StudyPlan:
    """Add up what is left.

    Args:
        tasks: all cells.
        log: what is finished.
        times: hash of a cell → stage → seconds of a step.
        out: folder of the study.
        jobs: processes side by side.
        notes: what is worth knowing before.
    """
    cells = {task.cell.key: task for task in tasks}
    left = {key: task for key, task in cells.items() if key not in log.results}
    firsts = {
        task.cell.first: task
        for task in left.values()
        if task.point.needs_pretraining and task.cell.first not in log.trainings
    }
    stores: dict[Path, list[Store]] = {}
    seconds = 0.0
    for task in firsts.values():
        config = task.cell.pretraining
        step = times[task.cell.key]["pretraining"]
        seconds += step * (config.steps + FORWARD * _validations(_open(stores, config), config))
    for task in left.values():
        if task.point.stage not in times[task.cell.key]:
            continue  # a forecast
        last = task.cell.last
        found = _open(stores, last)
        steps = FORWARD * _tests(found, task)
        if task.cell.finetuning:
            steps += last.steps + FORWARD * _validations(found, last)
        seconds += times[task.cell.key][task.point.stage] * steps
    return StudyPlan(
        out=out,
        cells=len(cells),
        finished=len(cells) - len(left),
        pretrainings=len(firsts),
        seconds=seconds / min(jobs, max(len(left), 1)),
        jobs=jobs,
        notes=notes,
        step_seconds={
            task.point.arm: times[task.cell.key][task.point.stage]
            for task in tasks
            if task.cell.last.steps and task.point.stage in times[task.cell.key]
        },
    )


def _open(stores: dict[Path, list[Store]], config: PretrainConfig | FinetuneConfig) -> list[Store]:
    assert config.data is not None
    if config.data not in stores:
        stores[config.data] = [each for each in open_stores(config.data) if not each.is_static]
    return stores[config.data]


def _windows(store: Store, split: str, config: PretrainConfig | FinetuneConfig) -> Windows | None:
    samples = store.samples(split)
    history, lead = config.history or HISTORY, config.max_lead or MAX_LEAD
    if not samples or store.num_frames <= history:
        return None
    return Windows(store, samples, history=history, max_lead=lead)


def _validations(stores: Sequence[Store], config: PretrainConfig | FinetuneConfig) -> float:
    """Batches that all validations of a training predict."""
    batches = 0
    for store in stores:
        if windows := _windows(store, "validation", config):
            leads = len({1, windows.max_lead})
            size = -(-len(windows) // config.batch_size)
            batches += leads * min(config.validation_batches, size) + rollout_frames(windows)
    return sum(map(config.is_validation, range(1, config.steps + 1))) * batches


def _tests(stores: Sequence[Store], task: Task) -> float:
    """Batches that the test of a cell predicts."""
    evaluation, batches = task.cell.evaluation, 0
    for store in stores:
        if windows := _windows(store, evaluation.split, task.cell.last):
            size = evaluation.batch_size
            batches += -(-min(evaluation.windows, len(windows)) // size)
            frames = min(evaluation.steps, store.num_frames - 1)
            batches += frames * -(-len(store.samples(evaluation.split)) // size)
    return batches
