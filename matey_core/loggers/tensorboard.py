"""TensorBoard: event files in the folder `tensorboard` of the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from matey_core.loggers import LOGGERS, LoggedRun, LoggerConfig


@LOGGERS.register("tensorboard")
class TensorboardConfig(LoggerConfig):
    """Event files of TensorBoard."""

    package = "tensorboard"
    name: Literal["tensorboard"] = "tensorboard"

    def open(self, run: LoggedRun) -> "TensorboardLogger":
        """Begin another event file; TensorBoard shows all of a folder as one run."""
        return TensorboardLogger(run.folder / self.name)


class TensorboardLogger:
    """Writes event files."""

    def __init__(self, folder: Path) -> None:
        """Open the folder.

        Args:
            folder: is made if it is not there.
        """
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder))

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Add scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
