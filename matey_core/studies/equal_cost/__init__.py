"""Adaptive tokens and uniform patches at equal cost: train, test, and say who wins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.distributed import place_of_this_process
from matey_core.errors import ConfigError
from matey_core.locations import Location
from matey_core.progress import OnProgress, silent
from matey_core.runs.processes import join_processes
from matey_core.store import Store
from matey_core.studies.equal_cost.arms import arms_of
from matey_core.studies.equal_cost.cells import CellLog, Evaluation
from matey_core.studies.equal_cost.costs import ArmCost, CostBook
from matey_core.studies.equal_cost.plan import Subject, Task, tasks_of
from matey_core.studies.equal_cost.report import StudyReport, report_of, write_report
from matey_core.studies.equal_cost.stores import stores_of
from matey_core.studies.equal_cost.train import train_cell
from matey_core.workflows.pretrain import PretrainConfig


class EqualCostConfig(Config):
    """What to compare, on what data, at what cost."""

    data: Location = Path("data")
    """Folder of stores, or one store."""
    store: tuple[str, ...] = ()
    """Names of stores; by default all that have several times and all three splits."""
    out: Path | None = None
    """Folder of the study; by default `study-STORE` in the folder of runs, and with several
    stores `study-equal-cost`."""
    arms: tuple[str, ...] = ("uniform", "adap_mix", "adap_mul")
    """Tokenizers, names of arms, or patterns such as `adap_mix-16-4-*`. The finest uniform patch,
    which all are compared with, is always there."""
    levels: tuple[PositiveInt, ...] = (16, 8, 4)
    """Ladder of patches, coarse to fine: each is a uniform arm; adaptive arms go from the first
    to the last straight, and over all."""
    criteria: tuple[str, ...] = ("variance",)
    """What adaptive arms choose cells by."""
    tokens: tuple[str, ...] = ("40%", "60%")
    """Budgets of adaptive arms: tokens of a frame, or largest parts of the finest uniform
    patch's, rounded down to whole cells split from coarse to fine."""
    seeds: PositiveInt = 3
    """Every arm is trained with the seeds 0, 1, …"""
    seconds: PositiveFloat = 600.0
    """Training time of every cell at equal seconds."""
    steps: PositiveInt | None = None
    """Steps of every cell at equal steps; by default as many as the finest uniform patch takes
    in the seconds."""
    only: Literal["seconds", "steps"] | None = None
    """Make one comparison instead of both."""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Every arm is trained with each, and the one that is best on validation data is reported;
    by default there is one, that of the training settings."""
    metric: Literal["nrmse", "vrmse", "rollout"] = "nrmse"
    """Which error decides."""
    rollout_steps: PositiveInt = 10
    """Frames of the rollouts on test trajectories."""
    windows: PositiveInt = 256
    """Test windows for one-step errors, at most."""
    measure: PositiveFloat = 5.0
    """Seconds of steps of every arm, to learn what a step takes before anything is trained."""
    training: PretrainConfig = Field(default_factory=PretrainConfig)
    """What all cells share. Data, steps, seed and tokenization are chosen by the study, so that
    budgets of the training (`flops`, `seconds`, `tokens_range`) are refused."""

    @property
    def rates(self) -> tuple[float, ...]:
        """Learning rates that every arm is trained with, each once."""
        return tuple(dict.fromkeys(self.learning_rates)) or (self.training.optimizer.learning_rate,)

    @property
    def evaluation(self) -> Evaluation:
        """How every trained model is tested."""
        return Evaluation(rollout_steps=self.rollout_steps, windows=self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What will be done."""

    out: Path
    cells: int
    finished: int
    """Cells that an earlier run of the study has finished."""
    seconds: float
    """Time for the others with their tests, as measured steps promise."""
    costs: dict[str, tuple[ArmCost, ...]]
    """Store → cost of every arm."""
    precision: str


OnPlan = Callable[[StudyPlan], bool]


def go_on(plan: StudyPlan) -> bool:
    """Agree to every plan: the default where nobody is asked."""
    return True


def equal_cost(
    config: EqualCostConfig, on_progress: OnProgress = silent, *, on_plan: OnPlan = go_on
) -> StudyReport | None:
    """Train every arm with every seed at equal seconds and at equal steps, and compare.

    Finished cells are kept in `cells.jsonl`: a study that was stopped goes on where it was
    when it is started again with the same settings and folder. After every complete seed
    the report is written anew.

    Args:
        config: settings.
        on_progress: is told about every step.
        on_plan: is asked once, when costs are known, whether to go on.

    Returns:
        The report; None if `on_plan` has declined.

    Raises:
        ConfigError: an arm that does not exist, settings that cannot work, a budget of the
            training beside those of the arms, or several processes.
        ShapeError: the grid is smaller than a patch.
        DataError: no store, or one without trajectories for validation or test.
        RunError: the disk is full.
    """
    if place_of_this_process().size > 1:
        raise ConfigError(
            "A study takes its cells one after the other, in one process.",
            remedy="Start it without torchrun.",
        )
    _check_budgets(config.training)
    stores = stores_of(config.data, config.store, history=config.training.history)
    name = stores[0].name if len(stores) == 1 else "equal-cost"
    out = config.out or config.training.runs / f"study-{name}"
    subjects, precision = _measured(config, stores, out, on_progress)
    training = config.training.model_copy(update={"precision": precision})
    tasks = tasks_of(config, training, subjects, runs=out / "runs")
    log = CellLog(out / "cells.jsonl")
    if not on_plan(_plan(out, tasks, log, subjects, precision)):
        return None
    cells = list({task.cell.key: task.cell for task in tasks}.values())
    for number, cell in enumerate(cells, start=1):
        if cell.key in log.results:
            continue
        label = f"cell {number}/{len(cells)} · {cell.arm.label} · seed {cell.config.seed}"
        log.add(train_cell(cell, config.evaluation, _under(label, on_progress)))
        if number < len(cells) and cells[number].config.seed > cell.config.seed:
            write_report(report_of(config, precision, subjects, tasks, log), out)
    return write_report(report_of(config, precision, subjects, tasks, log), out)


def _check_budgets(training: PretrainConfig) -> None:
    """Refuse a budget that would give all arms other tokens than their names say."""
    keys = ("flops", "seconds", "tokens_range")
    given = [key for key in keys if getattr(training, key) is not None]
    if given:
        raise ConfigError(
            f"Settings of the training have {' and '.join(given)}, which would replace the tokens "
            "of every arm.",
            remedy=f"Take {' and '.join(given)} out of them. --tokens has the budgets of adaptive "
            "arms, --seconds the time that all are trained for.",
        )


def _under(task: str, on_progress: OnProgress) -> OnProgress:
    """Report training under another name."""
    return lambda progress: on_progress(replace(progress, task=task))


def _measured(
    config: EqualCostConfig, stores: list[Store], out: Path, on_progress: OnProgress
) -> tuple[list[Subject], str]:
    """Arms of every store and what they cost, and the arithmetic of all cells."""
    arms = {
        store.name: arms_of(
            levels=config.levels,
            criteria=config.criteria,
            budgets=config.tokens,
            choices=config.arms,
            shape=store.spec.grid.shape,
        )
        for store in stores
    }
    device = join_processes(config.training.device).device
    book = CostBook(out / "costs.json")
    precision = book.precision(config.training, arms[stores[0].name][0], stores[0], device)
    training = config.training.model_copy(update={"precision": precision})
    subjects = [
        Subject(
            store=store,
            arms=arms[store.name],
            costs=book.costs(
                arms[store.name],
                training,
                store,
                device=device,
                seconds=config.measure,
                on_progress=on_progress,
            ),
        )
        for store in stores
    ]
    return subjects, precision


def _plan(
    out: Path, tasks: list[Task], log: CellLog, subjects: list[Subject], precision: str
) -> StudyPlan:
    seconds = {task.cell.key: task.seconds for task in tasks}
    waiting = [key for key in seconds if key not in log.results]
    return StudyPlan(
        out=out,
        cells=len(seconds),
        finished=len(seconds) - len(waiting),
        seconds=sum(seconds[key] for key in waiting),
        costs={subject.store.name: tuple(subject.costs.values()) for subject in subjects},
        precision=precision,
    )
