"""What loggers are told of a training: figures of some steps, and every validation."""

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from matey_core.config import flat, read_toml
from matey_core.errors import ConfigError, MateyWarning
from matey_core.loggers import LoggedRun, Logger, LoggerConfig
from matey_core.runs.folder import RunFolder
from matey_core.runs.scores import OnValidation, Validation
from matey_core.runs.status import OnStep, StepStatus


class Trackers:
    """Loggers of one run; one that fails is left out from then on, and training goes on."""

    def __init__(self, opened: Sequence[tuple[LoggerConfig, Logger]]) -> None:
        """Take loggers that are open."""
        self._opened = list(opened)

    def on_step(self, first: OnStep) -> OnStep:
        """Make a callback that calls another one, then tells the loggers of the step."""

        def tell(status: StepStatus) -> None:
            first(status)
            self._log(_of_step(status), status.step, lambda each: status.step % each.every == 0)

        return tell if self._opened else first

    def on_validation(self, first: OnValidation) -> OnValidation:
        """Make a callback that calls another one, then tells the loggers of the validation."""

        def tell(validation: Validation) -> None:
            first(validation)
            scores = {f"score/{name}": score for name, score in validation.by_store.items()}
            self._log({"score": validation.score, **scores}, validation.step, lambda each: True)

        return tell if self._opened else first

    def close(self) -> None:
        """Close all; what one fails with here is lost."""
        for _, logger in self._opened:
            with suppress(Exception):
                logger.close()

    def _log(
        self, values: Mapping[str, float], step: int, is_due: Callable[[LoggerConfig], bool]
    ) -> None:
        for entry in list(self._opened):
            config, logger = entry
            if not is_due(config):
                continue
            try:
                logger.log(values, step=step)
            except Exception as error:  # packages raise errors of their own, of many kinds
                self._opened.remove(entry)
                with suppress(Exception):
                    logger.close()
                warnings.warn(
                    f"The logger {config.part} has failed at step {step} and is left out: "
                    f"{type(error).__name__}: {error}",
                    MateyWarning,
                    stacklevel=2,
                )


@contextmanager
def tracking(configs: Sequence[LoggerConfig], run: RunFolder) -> Iterator[Trackers]:
    """Open loggers until the block ends.

    Args:
        configs: none in processes that report nothing.
        run: has its settings and versions.

    Raises:
        ConfigError: one cannot be opened.
    """
    opened: list[tuple[LoggerConfig, Logger]] = []
    trackers = Trackers(opened)
    try:
        if configs:
            told = _logged(run)
            opened += [(each, _open(each, told)) for each in configs]
            trackers = Trackers(opened)
        yield trackers
    finally:
        trackers.close()


def _open(config: LoggerConfig, run: LoggedRun) -> Logger:
    try:
        return config.open(run)
    except Exception as error:  # of many kinds, as above
        raise ConfigError(
            f"The logger {config.part} cannot be opened: {type(error).__name__}: {error}",
            remedy=f"Look at its settings, or leave --logger {config.part} out.",
        ) from error


def _logged(run: RunFolder) -> LoggedRun:
    origin = f"{run.path.name} {run.versions().get('started', '')}"
    return LoggedRun(
        name=run.path.name,
        folder=run.path,
        key=hashlib.sha256(origin.encode()).hexdigest()[:16],
        settings=flat(read_toml(run.config)),
    )


def _of_step(status: StepStatus) -> dict[str, float]:
    rates = status.rates
    values = {
        "loss": status.loss,
        f"loss/{status.store}": status.smoothed.get(status.store, math.nan),
        "learning_rate": status.learning_rate,
        "gradient_norm": status.gradient_norm,
        "speed/steps_per_second": rates.steps,
        "speed/samples_per_second": rates.samples,
        "speed/waiting_for_data": rates.waiting,
        "memory_bytes": float(status.memory),
    }
    return values if rates.tokens is None else {**values, "speed/tokens_per_second": rates.tokens}
