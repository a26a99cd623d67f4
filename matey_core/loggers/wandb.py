"""Weights & Biases: a run of a project there; offline, in the run's folder."""

from collections.abc import Mapping
from typing import Any, Literal

from matey_core.loggers import LOGGERS, LoggedRun, LoggerConfig


@LOGGERS.register("wandb")
class WandbConfig(LoggerConfig):
    """A run of Weights & Biases, which has its own ways to be told who you are."""

    package = "wandb"
    name: Literal["wandb"] = "wandb"
    project: str = "matey"
    """Project that the run belongs to."""
    mode: Literal["online", "offline"] | None = None
    """`offline` keeps all in the run's folder, for `wandb sync`; by default as WANDB_MODE says."""

    def open(self, run: LoggedRun) -> "WandbLogger":
        """Begin a run, or go on with it."""
        import wandb

        return WandbLogger(
            wandb.init(
                project=self.project,
                name=run.name,
                id=run.key,
                resume="allow",
                dir=str(run.folder),
                config=dict(run.settings),
                mode=self.mode,
            )
        )


class WandbLogger:
    """Adds to a run of Weights & Biases."""

    def __init__(self, run: Any) -> None:
        """Take what `wandb.init` gave."""
        self._run = run

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Add values to the history."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Send what is left."""
        self._run.finish()
