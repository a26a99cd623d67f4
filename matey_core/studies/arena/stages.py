"""Two stages of a data set: choose learning rates, then train the models in earnest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matey_core.cells import CellResult, Fingerprints, Point, Task
from matey_core.cells.trial import StepTimes
from matey_core.progress import OnProgress
from matey_core.studies.arena.settings import ArenaConfig
from matey_core.studies.comparison import compare
from matey_core.studies.expansion import points_of
from matey_core.studies.rules import RuleConfig, StudyBudgetConfig
from matey_core.studies.runner import tasks_of
from matey_core.studies.settings import StudyConfig

UNTESTED = {"steps": 1, "samples": 1, "windows": 1}
"""Settings of the evaluation while learning rates are chosen, which needs no test data."""
Rates = Mapping[str, tuple[float, ...]]
"""Arm → learning rates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """All cells of one data set, with the times of their steps."""

    config: ArenaConfig
    name: str
    place: Path
    """The store."""
    runs: Path
    precisions: Mapping[str, str]
    """Arm → what the precision `auto` means."""
    fingerprints: Fingerprints
    step_seconds: Mapping[str, float]
    """Arm → seconds of a step."""
    times: dict[str, dict[str, float]] = field(default_factory=dict)
    """Hash of a cell → stage → seconds of a step, of all cells so far."""

    def choice(self) -> list[Task]:
        """Cells that try the learning rates of every arm that has several."""
        several = {name: arm for name, arm in self.config.arms.items() if arm.learning_rates[1:]}
        if not several:
            return []
        config = self.config
        study = choice_of(config.model_copy(update={"arms": several}), self.place)
        return self._tasks(study)

    def final(self, results: Mapping[str, CellResult]) -> list[Task]:
        """Cells whose models are compared, each with the learning rate that is best so far."""
        rates = {name: arm.learning_rates[:1] for name, arm in self.config.arms.items()}
        tasks = self.choice()
        for found in compare(tasks, results, RuleConfig(), reference=""):
            rates |= {each.arm: (each.learning_rate,) for each in found.arms}
        return self._tasks(final_of(self.config, self.place, rates))

    def _tasks(self, study: StudyConfig) -> list[Task]:
        points = points_of(study)
        seconds = [{"pretraining": self.step_seconds[point.arm]} for point in points]
        tasks = tasks_of(
            study,
            points,
            seconds,
            precision=lambda point: self.precisions[point.arm],
            runs=self.runs,
            fingerprints=self.fingerprints,
        )
        self.times.update({task.cell.key: each for task, each in zip(tasks, seconds, strict=True)})
        return tasks


def stages_of(
    config: ArenaConfig,
    places: Mapping[str, Path],
    clock: StepTimes,
    *,
    runs: Path,
    fingerprints: Fingerprints,
    on_progress: OnProgress,
) -> list[Stages]:
    """Measure the steps of all arms on all data sets.

    Raises:
        ConfigError: a setting that does not exist or cannot work.
        MateyError: settings that no training can work with.
    """
    points: dict[str, list[Point]] = {
        name: points_of(final_of(config, place, {}, seeds=1)) for name, place in places.items()
    }
    seconds = {
        name: {each.arm: clock.measure(each, on_progress)["pretraining"] for each in found}
        for name, found in points.items()
    }
    return [
        Stages(
            config=config,
            name=name,
            place=place,
            runs=runs,
            precisions={each.arm: clock.precision_of(each) for each in points[name]},
            fingerprints=fingerprints,
            step_seconds=seconds[name],
        )
        for name, place in places.items()
    ]


def choice_of(config: ArenaConfig, place: Path) -> StudyConfig:
    """The study that chooses learning rates on a store's validation data."""
    study = final_of(config, place, {}, seeds=1)
    return study.model_copy(
        update={
            "arms": config.arms,
            "evaluation": {**config.evaluation, **UNTESTED},
            "budget": StudyBudgetConfig(equal=("seconds",), seconds=config.choice * config.seconds),
        }
    )


def final_of(
    config: ArenaConfig, place: Path, rates: Rates, *, seeds: int | None = None
) -> StudyConfig:
    """The study that compares models on a store at equal seconds.

    Args:
        config: settings.
        place: the store.
        rates: of each arm; without one, an arm has the first of its list or the setting's.
        seeds: number of seeds, instead of that of the settings.
    """
    arms = {
        name: arm.model_copy(update={"learning_rates": rates.get(name, arm.learning_rates[:1])})
        for name, arm in config.arms.items()
    }
    return StudyConfig(
        name="arena",
        pretraining=config.pretraining,
        evaluation=config.evaluation,
        axes={
            "pretraining.data": [str(place)],
            "pretraining.seed": list(range(seeds or config.seeds)),
        },
        arms=arms,
        budget=StudyBudgetConfig(equal=("seconds",), seconds=config.seconds),
    )
