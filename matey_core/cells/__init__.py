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

    @property
    def compared(self) -> PretrainConfig | FinetuneConfig:
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
    """Hash of the pretraining, which many cells share."""
    pretraining: PretrainConfig
    finetuning: FinetuneConfig | None
    evaluation: RolloutConfig

    @property
    def last(self) -> PretrainConfig | FinetuneConfig:
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

    Args:
        point: its combination of settings.
        steps: of the training that is compared.
        precision: arithmetic that takes the place of `auto`.
        runs: folder of the study's runs.
        fingerprints: identify stores.
    """
    pretraining = _exact(point.pretraining, precision)
    finetuning = point.finetuning and _exact(point.finetuning, precision)
    if finetuning is None:
        pretraining = pretraining.model_copy(update={"steps": steps})
    first = last = _key(pretraining, fingerprints)
    folder = runs / f"pretraining-{first}"
    pretraining = pretraining.model_copy(update={"name": folder.name, "runs": runs})
    if finetuning is not None:
        finetuning = finetuning.model_copy(update={"steps": steps, "source": folder})
        last = _key(finetuning, fingerprints, first)
        folder = runs / f"finetuning-{last}"
        finetuning = finetuning.model_copy(update={"name": folder.name, "runs": runs})
    update = {"run": folder, "runs": runs, "out": folder / "rollout"}
    return Cell(
        key=_key(point.evaluation, fingerprints, last),
        first=first,
        pretraining=pretraining,
        finetuning=finetuning,
        evaluation=point.evaluation.model_copy(update=update),
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
