"""Cells of a study: what is trained and tested, and the hash of all that decides the result."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Literal, TypeVar

from matey_core.config import Config
from matey_core.forecasts import ForecastConfig
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig
from matey_core.workflows.rollout.settings import RolloutConfig

FORMAT = 1
"""Version of what a cell is: a change makes all cells new."""
PLACES = {"runs", "name", "data", "default_data", "source", "workers", "run", "out", "strategy"} | {
    "beyond",
    "plot",
    "animate",
    "field",
    "checkpoint_minutes",
    "max_hours",
    "logger",
    "rollbacks",
}
"""Settings that change no result; data are known by their fingerprints, and no cell goes back."""
LATER: dict[str, Any] = {
    "accumulate": 1,
    "ema": None,
    "given": [],
    "given_source": None,
    "given_role": "linear",
    "leads": "all",
    "draw": "uniform",
    "subset": "store",
    "blend": True,  # of a rollout: a model that has no blends is not blended
    "model.blend": False,
    "model.time_steps": None,
    "model.global_context": False,
}
"""Settings that came after the first kept cells, with the values at which they change nothing. With
these they are left out of the hash, so that an older study goes on."""
METRICS = ("nrmse", "vrmse", "rollout")
"""One-step nRMSE and VRMSE, and the mean nRMSE of all frames of a rollout."""

Equal = Literal["steps", "seconds"]
Scalar = str | int | float | bool
Training = PretrainConfig | FinetuneConfig
AnyTraining = TypeVar("AnyTraining", PretrainConfig, FinetuneConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One combination of axes, arm, seed and learning rate, with complete settings."""

    at: dict[str, Scalar]
    """Axis → value, without seeds; `equal` is one where both budgets are given."""
    equal: Equal
    """What all arms have alike."""
    arm: str
    seed: str
    learning_rate: float
    pretraining: PretrainConfig
    finetuning: FinetuneConfig | None
    evaluation: RolloutConfig
    forecast: ForecastConfig | None = None
    """What takes the place of a model; nothing is trained then."""
    is_fitted: bool = False
    """Whether the forecast is fitted to training trajectories, and not to each history."""
    weights: str = ""
    """SHA-256 of the weights that the fine-tuning starts from, where it names its source."""

    @property
    def stages(self) -> dict[str, Training]:
        """Settings of the trainings that read data, by stage."""
        first = {"pretraining": self.pretraining}
        if self.finetuning is None:
            return {**first}
        is_alone = self.forecast is not None or self.finetuning.source is not None
        return {**({} if is_alone else first), "finetuning": self.finetuning}

    @property
    def needs_pretraining(self) -> bool:
        """Whether a model is pretrained for it: one from random weights needs none."""
        is_scratch = self.finetuning is not None and self.finetuning.from_scratch
        return self.forecast is None and not is_scratch and "pretraining" in self.stages

    @property
    def compared(self) -> Training:
        """Settings of the training that gets the budget."""
        return self.finetuning or self.pretraining

    @property
    def stage(self) -> str:
        """Name of that training."""
        return "finetuning" if self.finetuning else "pretraining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A pretraining, a fine-tuning of it if there is one, and a test."""

    key: str
    first: str
    """Name of the pretraining in the log, which many cells share: its hash. Empty where there is
    none before the fine-tuning, or nothing is trained."""
    pretraining: PretrainConfig
    finetuning: FinetuneConfig | None
    evaluation: RolloutConfig
    forecast: ForecastConfig | None = None
    is_fitted: bool = False

    @property
    def last(self) -> Training:
        """Settings of the training whose model is tested."""
        return self.finetuning or self.pretraining


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A cell in its place in the study; a cell can have several."""

    point: Point
    cell: Cell
    amount: float
    """How much all arms have alike: steps, or seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCell:
    """What came out of a training; where it diverged, the error is ∞."""

    run: str
    """Name of its folder."""
    steps: int
    step_seconds: float
    """Mean time of a step, validations and checkpoints left out."""
    validation: float
    """One-step nRMSE on validation windows, mean over stores."""
    seconds: float = 0.0
    """All of it."""
    failure: str = ""
    """Why there is no model; empty where there is one."""
    step_cpu_seconds: float = math.inf
    """Mean CPU time of a step, over all threads of the process."""
    parameters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult(TrainedCell):
    """What came out of a cell; the training is its last one."""

    errors: dict[str, float]
    """Metric → error on test trajectories, mean over stores."""
    persistence: dict[str, float]
    """The same of repeating the last known frame."""
    leads: tuple[float, ...] = ()
    """nRMSE of every frame of the rollout."""
    persistence_leads: tuple[float, ...] = ()
    spread_leads: tuple[float, ...] = ()
    """VRMSE of every frame of the rollout."""
    test_seconds: float = 0.0


def failed(trained: TrainedCell) -> CellResult:
    """A cell whose training diverged."""
    infinite = dict.fromkeys(METRICS, math.inf)
    return CellResult(**asdict(trained), errors=infinite, persistence=dict(infinite))


Fingerprints = Callable[[Path], tuple[str, ...]]
"""From a data folder to what identifies its stores."""


def cell_of(
    point: Point, *, steps: int, precision: str, runs: Path, fingerprints: Fingerprints
) -> Cell:
    """Write out all settings of a cell, and hash what decides its result.

    A fine-tuning from random weights takes from the pretraining no more than the kind of model
    and what it is told of fields: one step of that is enough.

    Args:
        point: its combination of settings.
        steps: of the training that is compared.
        precision: arithmetic that takes the place of `auto`.
        runs: folder of the study's runs.
        fingerprints: identify stores.
    """
    if point.forecast is not None:
        return _forecast_cell(point, fingerprints)
    pretraining = _exact(point.pretraining, precision)
    finetuning = point.finetuning and _exact(point.finetuning, precision)
    if finetuning is None:
        pretraining = pretraining.model_copy(update={"steps": steps})
    if is_given := bool(point.weights):
        first = last = hashed({"format": FORMAT, "weights": point.weights})
    else:
        first = last = _key(pretraining, fingerprints)
    if finetuning is not None and finetuning.from_scratch:
        pretraining, name = untrained(pretraining), f"untrained-{first}"
    else:
        name = f"pretraining-{first}"
    folder = runs / name
    pretraining = pretraining.model_copy(update={"name": name, "runs": runs})
    if finetuning is not None:
        source = finetuning.source if is_given else folder
        finetuning = finetuning.model_copy(update={"steps": steps, "source": source})
        last = _key(finetuning, fingerprints, first)
        folder = runs / f"finetuning-{last}"
        finetuning = finetuning.model_copy(update={"name": folder.name, "runs": runs})
    update = {"run": folder, "runs": runs, "out": folder / "rollout"}
    return Cell(
        key=_key(point.evaluation, fingerprints, last),
        first="" if is_given else name.removeprefix("pretraining-"),
        pretraining=pretraining,
        finetuning=finetuning,
        evaluation=point.evaluation.model_copy(update=update),
    )


def _forecast_cell(point: Point, fingerprints: Fingerprints) -> Cell:
    """A cell without training: what a forecast is fitted to counts, and how it is tested."""
    assert point.forecast is not None
    last, evaluation = point.compared, point.evaluation
    which = ("n_samples", "subset", "seed") if point.is_fitted else ()
    content = {
        "format": FORMAT,
        "forecast": point.forecast.model_dump(mode="json"),
        "fitted": [getattr(last, name, None) for name in which],
        "history": history_of(point),
        "given": last.given,
        "settings": deciding(evaluation),
        "stores": [fingerprints(each) for each in (last.data, evaluation.data) if each is not None],
    }
    return Cell(
        key=hashed(content),
        first="",
        pretraining=point.pretraining,
        finetuning=point.finetuning,
        evaluation=evaluation,
        forecast=point.forecast,
        is_fitted=point.is_fitted,
    )


def history_of(place: Point | Cell) -> int:
    """Frames that a forecast is given: as many as the models beside it."""
    tuned = place.finetuning and place.finetuning.history
    return place.evaluation.history or tuned or place.pretraining.history


def untrained(pretraining: PretrainConfig) -> PretrainConfig:
    """The same for one step: a model of its kind, whose weights mean nothing."""
    return pretraining.model_copy(
        update={"steps": 1, "validate_every": None, "validation_batches": 1}
    )


def deciding(config: Config, *, without: AbstractSet[str] = PLACES) -> dict[str, Any]:
    """The settings that decide a result, for a hash."""
    settings = config.model_dump(mode="json", exclude=set(without))
    for name, value in LATER.items():
        *path, last = name.split(".")
        inner = reduce(lambda found, key: found.get(key, {}), path, settings)
        if last in inner and inner[last] == value:
            del inner[last]
    return settings


def hashed(content: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that follow the content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _exact(config: AnyTraining, precision: str) -> AnyTraining:
    if config.precision != "auto":
        return config
    return config.model_copy(update={"precision": precision})


def _key(config: Config, fingerprints: Fingerprints, *above: str) -> str:
    data = getattr(config, "data", None)
    return hashed(
        {
            "format": FORMAT,
            "settings": deciding(config),
            "stores": () if data is None else fingerprints(data),
            "above": above,
        }
    )
