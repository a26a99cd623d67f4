"""How long a step takes, learned from a few steps before anything is trained in earnest."""

import json
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from matey_core.errors import CheckpointError
from matey_core.progress import OnProgress, Progress
from matey_core.studies.cells import PLACES, AnyTraining, Fingerprints, Point, hashed
from matey_core.studies.work import StepClock
from matey_core.training.checkpoint import written
from matey_core.workflows.finetune import finetune
from matey_core.workflows.pretrain import PretrainConfig, pretrain

STEPS = 8
"""Of a trial; the first two, which are slower, are left out."""
NO_COST = PLACES | {"steps", "seed", "n_samples", "precision", "validate_every"}
"""Settings that change no step's time, and the precision, which the trial finds."""


class StepTimes:
    """Measured times in a file: a study that goes on takes those that it began with."""

    def __init__(self, path: Path, fingerprints: Fingerprints) -> None:
        """Read the file, if there is one.

        Raises:
            CheckpointError: it is damaged.
        """
        self.path = path
        self.fingerprints = fingerprints
        self._values: dict[str, Any] = {}
        if path.exists():
            try:
                self._values = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise CheckpointError(
                    f"{path} is damaged: {error}.", remedy="Remove it: times are measured again."
                ) from error

    @property
    def precision(self) -> str:
        """What `auto` means in all cells; known after the first trial that has it."""
        return str(self._values.get("precision", "float32"))

    def measure(self, point: Point, on_progress: OnProgress) -> dict[str, float]:
        """Seconds of a step in each training of a cell; those not known are tried.

        Args:
            point: whose trainings.
            on_progress: is told what is tried.

        Raises:
            MateyError: settings that no training can work with.
        """
        first = self._measured("pretraining", point.pretraining, point, on_progress)
        times = {"pretraining": first}
        if point.finetuning is not None:
            times["finetuning"] = self._measured("finetuning", point.finetuning, point, on_progress)
        return times

    def _measured(
        self, stage: str, config: AnyTraining, point: Point, on_progress: OnProgress
    ) -> float:
        key = self._key(config, point)
        if key not in self._values:
            task = f"{STEPS} steps of {point.arm}, {stage}"
            on_progress(Progress(task=task, done=0, total=None))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self.path.parent, prefix="trial-") as folder:
                self._values[key] = self._tried(config, point, Path(folder))
            with written(self.path) as partial:
                partial.write_text(json.dumps(self._values, indent=1) + "\n", encoding="utf-8")
        return float(self._values[key])

    def _key(self, config: AnyTraining, point: Point) -> str:
        content = {
            "settings": config.model_dump(mode="json", exclude=NO_COST),
            "stores": self.fingerprints(config.data) if config.data is not None else (),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        }
        if config is point.finetuning:
            content["model"] = point.pretraining.model.model_dump(mode="json")
        return hashed(content)

    def _tried(self, config: AnyTraining, point: Point, folder: Path) -> float:
        """Take a few steps; a fine-tuning takes them with a model that was trained as few."""
        update: dict[str, Any] = {
            "name": self._key(config, point),
            "runs": folder,
            "steps": STEPS,
            "validate_every": STEPS,
        }
        if config.precision == "auto" and "precision" in self._values:
            update["precision"] = self.precision
        if isinstance(config, PretrainConfig):
            few = config.model_copy(update=update)
            clock = StepClock(few)
            report = pretrain(few, clock)
        else:
            self._tried(point.pretraining, point, folder)
            base = folder / self._key(point.pretraining, point)
            fewer = config.model_copy(update={**update, "source": base})
            clock = StepClock(fewer)
            report = finetune(fewer, clock)
        if config.precision == "auto":
            self._values.setdefault("precision", report.start.precision)
        return statistics.median(clock.times[1:] or clock.times)
