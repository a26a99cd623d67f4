"""How long a step takes, learned from a few steps before anything is trained in earnest."""

from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch

from matey_core.cells import (
    PLACES,
    Fingerprints,
    Point,
    Training,
    deciding,
    hashed,
    untrained,
)
from matey_core.cells.kept import KeptValues
from matey_core.cells.work import StepClock, fit
from matey_core.errors import MateyError
from matey_core.progress import OnProgress, Progress, silent
from matey_core.workflows.finetune import FinetuneConfig

STEPS = 8
"""Of a trial; the first two, which are slower, are left out."""
NO_COST = PLACES | {"steps", "seed", "n_samples", "precision", "validate_every"}
"""Settings that change no step's time, and the precision, which the trial finds."""


class StepTimes:
    """Measured times in a file: a clock of the runner, for arms of any kind."""

    def __init__(
        self,
        path: Path,
        fingerprints: Fingerprints,
        *,
        steps: int = STEPS,
        cpu: bool = False,
        is_shared: bool = True,
    ) -> None:
        """Read what is known.

        Args:
            path: the file.
            fingerprints: identify stores.
            steps: of a trial.
            cpu: measure CPU seconds over all threads, not those of the clock on the wall.
            is_shared: whether `auto` means the same precision in all cells, what it means in the
                first trial; otherwise each trial chooses its own.

        Raises:
            CheckpointError: the file is damaged.
        """
        self.fingerprints = fingerprints
        self.steps = steps
        self.cpu = cpu
        self.is_shared = is_shared
        self._kept = KeptValues(path)

    @property
    def precision(self) -> str:
        """What `auto` means in all cells; known after the first trial that has it."""
        return str(self._kept.get("precision", "float32"))

    def precision_of(self, point: Point) -> str:
        """What `auto` means in the pretraining of a cell that was measured.

        Folders of earlier versions know one for all.
        """
        key = self._key(point.pretraining, point)
        return str(self._kept.get(f"precision of {key}", self.precision))

    def measure(self, point: Point, on_progress: OnProgress) -> dict[str, float]:
        """Seconds of a step in each training of a cell; those not known are tried.

        Args:
            point: whose trainings.
            on_progress: called before every trial.

        Raises:
            MateyError: settings that no training can work with.
        """
        if point.forecast is not None:
            return {}
        return {
            stage: self._measured(stage, config, point, on_progress)
            for stage, config in point.stages.items()
            if stage != "pretraining" or point.needs_pretraining
        }

    def _measured(
        self,
        stage: str,
        config: Training,
        point: Point,
        on_progress: OnProgress,
    ) -> float:
        key = self._key(config, point)
        if key not in self._kept:
            task = f"{self.steps} steps of {point.arm}, {stage}"
            on_progress(Progress(task=task, done=0, total=None))
            place = self._kept.path.parent
            place.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=place, prefix="trial-") as folder:
                self._kept.keep({key: self._named(stage, config, point, Path(folder))})
        return float(self._kept[key])

    def _named(self, stage: str, config: Training, point: Point, folder: Path) -> float:
        """Try, and say which arm a mistake is of."""
        try:
            return self._tried(config, point, folder)
        except MateyError as error:
            error.args = (f"{point.arm}, {stage}: {error}",)
            raise

    def _key(self, config: Training, point: Point) -> str:
        settings = deciding(config, without=NO_COST)
        settings["optimizer"].pop("learning_rate", None)  # at equal seconds, all take as many steps
        content = {
            "settings": settings,
            "stores": self.fingerprints(config.data) if config.data is not None else (),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        }
        if self.cpu:
            content["clock"] = "cpu"
        if config is point.finetuning:
            content["model"] = point.weights or point.pretraining.model.model_dump(mode="json")
        return hashed(content)

    def _tried(self, config: Training, point: Point, folder: Path) -> float:
        """Take a few steps; a fine-tuning takes them with a model that has one step."""
        update: dict[str, Any] = {
            "name": self._key(config, point),
            "runs": folder,
            "steps": self.steps,
            "validate_every": self.steps,
        }
        if self.is_shared and config.precision == "auto" and "precision" in self._kept:
            update["precision"] = self.precision
        if isinstance(config, FinetuneConfig) and config.source is None:
            first = untrained(point.pretraining)
            update["source"] = folder / f"{update['name']}-before"
            where = {"name": update["source"].name, "runs": folder, "precision": "float32"}
            fit(first.model_copy(update=where), silent)
        few = config.model_copy(update=update)
        clock = StepClock(few)
        report = fit(few, clock)
        if config.precision == "auto":
            name = "precision" if self.is_shared else f"precision of {self._key(config, point)}"
            self._kept.setdefault(name, report.start.precision)
        times = clock.times[1:] or clock.times
        # Not the median: an objective such as pushforward makes only some steps expensive.
        return fmean(each.cpu if self.cpu else each.wall for each in times)
