"""The cells of a study and their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matey_core.data import Windows
from matey_core.store import Store
from matey_core.studies.equal_cost.arms import Arm
from matey_core.studies.equal_cost.cells import Cell, Evaluation, cell_of
from matey_core.studies.equal_cost.costs import ArmCost
from matey_core.studies.equal_cost.results import Equal
from matey_core.workflows.pretrain import PretrainConfig

if TYPE_CHECKING:
    from matey_core.studies.equal_cost import EqualCostConfig

FORWARD = 1 / 3
"""Time of a prediction, in training steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A store, the arms that its grid has, and what they cost."""

    store: Store
    arms: tuple[Arm, ...]
    costs: dict[str, ArmCost]
    """By name of the arm."""

    @property
    def fine(self) -> Arm:
        """The finest uniform patch."""
        return [arm for arm in self.arms if arm.is_uniform][-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A cell in the place that it has in a comparison; a cell can have two."""

    equal: Equal
    cell: Cell
    seconds: float
    """Time for training, validations and tests, as the measured steps promise."""


def kinds_of(config: "EqualCostConfig") -> tuple[Equal, ...]:
    """Which comparisons are made."""
    return (config.only,) if config.only else ("seconds", "steps")


def amount_of(config: "EqualCostConfig", subject: Subject, equal: Equal) -> float:
    """How many seconds or steps every cell of a comparison gets."""
    if equal == "seconds":
        return config.seconds
    return float(config.steps or _steps(config.seconds, subject.costs[subject.fine.name]))


def tasks_of(
    config: "EqualCostConfig", training: PretrainConfig, subjects: Sequence[Subject], *, runs: Path
) -> list[Task]:
    """List all cells; those of one seed are complete before those of the next begin.

    Args:
        config: which seeds, learning rates and comparisons.
        training: what all cells share.
        subjects: the stores and their arms.
        runs: folder for the runs of the cells.
    """

    def cells(subject: Subject, equal: Equal, arm: Arm, seed: int) -> Iterator[Task]:
        cost, amount = subject.costs[arm.name], amount_of(config, subject, equal)
        steps = _steps(amount, cost) if equal == "seconds" else int(amount)
        for rate in config.rates:
            cell = cell_of(
                arm,
                base=training,
                store=subject.store,
                evaluation=config.evaluation,
                seed=seed,
                steps=steps,
                learning_rate=rate,
                runs=runs,
            )
            forwards = FORWARD * _forwards(subject.store, cell.config, config.evaluation)
            seconds = (steps + forwards) * cost.step_seconds
            yield Task(equal=equal, cell=cell, seconds=seconds)

    return [
        task
        for seed in range(config.seeds)
        for subject in subjects
        for equal in kinds_of(config)
        for arm in subject.arms
        for task in cells(subject, equal, arm, seed)
    ]


def _forwards(store: Store, training: PretrainConfig, evaluation: Evaluation) -> int:
    """Batches that a cell's validations and tests predict."""
    windows = {
        split: Windows(
            store, store.samples(split), history=training.history, max_lead=training.max_lead
        )
        for split in ("validation", "test")
    }
    size = training.batch_size
    leads = len({1, windows["validation"].max_lead})
    batches = min(training.validation_batches, -(-len(windows["validation"]) // size))
    every = training.validate_every or max(1, training.steps // 5)
    tested = -(-min(evaluation.windows, len(windows["test"])) // size)
    rolled_out = evaluation.rollout_steps * -(-len(store.samples("test")) // size)
    return -(-training.steps // every) * leads * batches + tested + rolled_out


def _steps(seconds: float, cost: ArmCost) -> int:
    return max(1, int(seconds / cost.step_seconds))
