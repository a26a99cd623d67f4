"""Loggers pass a training on to a tracker of experiments: the door of the family."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import PositiveInt

from matey_core.config import PartConfig
from matey_core.errors import ConfigError, install_extra
from matey_core.registry import Registry

LOGGERS: Registry[type["LoggerConfig"]] = Registry(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRun:
    """What a tracker is told of a run when it is opened."""

    name: str
    folder: Path
    key: str
    """The same at every start of the run, and of no other run."""
    settings: Mapping[str, Any]
    """Path of a setting → value."""


class Logger(Protocol):
    """A run that is open in a tracker."""

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        """Add values by name; some may not be finite."""

    def close(self) -> None:
        """Send what is left; nothing follows."""


class LoggerConfig(PartConfig):
    """Settings of a logger."""

    family: ClassVar[Registry[Any]] = LOGGERS
    default: ClassVar[str] = "tensorboard"
    package: ClassVar[str] = ""
    """What is imported, if anything; the extra of pyproject.toml has the name of the part."""

    every: PositiveInt = 10
    """Steps from one entry to the next; validations are always logged."""

    def check_installed(self) -> None:
        """Raise before the work if the package is missing.

        Raises:
            ConfigError: it is.
        """
        if self.package and find_spec(self.package) is None:
            raise ConfigError(
                f"logger is {self.part}, and the package {self.package} is not installed.",
                remedy=f"{install_extra(self.part)}, or leave --logger {self.part} out.",
            )

    @abstractmethod
    def open(self, run: LoggedRun) -> Logger:
        """Open a run in the tracker; one that goes on is opened again."""
