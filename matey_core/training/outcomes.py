"""What steps came to: read a step late where a device computes them, so that nobody waits for it.

A host that asks for the loss of a step waits until the device has computed it. The device then
waits for the host to say what to do next. So the numbers of a step are copied in the background,
and looked at when the next step has been sent off. Whether weights may change is for the device
to say (see `optimizers.step_if`); whoever writes to the disk settles what is open before.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.errors import RunError
from matey_core.training.skipped import SkippedStores
from matey_core.training.state import TrainState

_LOG = logging.getLogger("matey.training")


class DivergenceError(RunError):
    """A model whose numbers are not finite any more; it may help to go back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a step may not exceed."""

    gradient_norm: float
    """Longer gradients are shortened to this norm."""
    skipped_in_a_row: int = 20
    """Batches without a finite loss before training gives up."""
    skipped_of_store: int = 10
    """Batches of a store before training gives up, if none of them had a finite loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One batch, averaged over processes."""

    step: int
    """Batches seen, this one included."""
    dataset: str
    loss: float
    gradient_norm: float
    """Before it was shortened."""
    learning_rate: float
    share: float | None
    """Of the time of a training, where that is what it has."""
    seconds: float
    """From asking for the batch to the end of the step; saving and validating not included."""
    waiting_seconds: float
    """Part of `seconds` in which the batch was waited for."""

    @property
    def is_skipped(self) -> bool:
        """Whether loss or gradient was not finite, so that the weights were left alone."""
        return not (math.isfinite(self.loss) and math.isfinite(self.gradient_norm))


class Taken:
    """A step whose loss and gradient norm are on their way to the host."""

    def __init__(
        self,
        *,
        step: int,
        dataset: str,
        loss: Float[Tensor, ""],
        gradient_norm: Float[Tensor, ""],
        learning_rate: float,
        share: float | None,
        seconds: float,
        waiting_seconds: float,
    ) -> None:
        """Begin the copy.

        Args:
            step: batches seen, this one included.
            dataset: that the batch is of.
            loss: on the device.
            gradient_norm: likewise.
            learning_rate: largest of the step.
            share: of the time of a training that is used, where it has a time.
            seconds: from asking for the batch to the end of the step.
            waiting_seconds: part of these in which the batch was waited for.
        """
        self._known: dict[str, Any] = {
            "step": step,
            "dataset": dataset,
            "learning_rate": learning_rate,
            "share": share,
            "seconds": seconds,
            "waiting_seconds": waiting_seconds,
        }
        numbers = torch.stack([loss.float(), gradient_norm.float()])
        self._numbers = numbers.to("cpu", non_blocking=True)  # into page-locked memory
        self._copied = torch.cuda.Event() if numbers.device.type == "cuda" else None
        if self._copied is not None:
            self._copied.record()

    def report(self) -> StepReport:
        """What the step came to, once the numbers have arrived."""
        if self._copied is not None:
            self._copied.synchronize()
        loss, gradient_norm = self._numbers.tolist()
        return StepReport(loss=loss, gradient_norm=gradient_norm, **self._known)


Record = Callable[[StepReport], None]
"""Is told of every step, in order."""


class Outcomes:
    """Counts steps and what became of them, and ends a training that has no use."""

    def __init__(self, state: TrainState, limits: Limits, record: Record, *, is_late: bool) -> None:
        """Begin with no step.

        Args:
            state: whose counters of skipped steps follow.
            limits: how many there may be.
            record: is told of every step.
            is_late: whether a step is looked at when the next one has been sent off.
        """
        self._state, self._limits, self._record, self._is_late = state, limits, record, is_late
        self._stores = SkippedStores(limits.skipped_of_store)
        self._open: list[Taken] = []
        self._settled: list[StepReport] = []
        """Not yet checked."""

    def add(self, taken: Taken) -> None:
        """Remember a step, and settle it where that makes nobody wait."""
        self._open.append(taken)
        if not self._is_late:
            self.settle()

    def settle(self) -> None:
        """Count and record all steps that have been sent off, for whoever writes to the disk."""
        state = self._state
        for taken in self._open:
            report = taken.report()
            state.skipped += report.is_skipped
            state.skipped_in_a_row = state.skipped_in_a_row + 1 if report.is_skipped else 0
            if report.is_skipped:
                _LOG.warning(
                    "step %d on %s is skipped: loss %g, gradient norm %g",
                    *(report.step, report.dataset, report.loss, report.gradient_norm),
                )
            self._record(report)
            self._settled.append(report)
        self._open.clear()

    def check(self) -> None:
        """End a training that has no use, by the steps that are settled.

        Raises:
            DivergenceError: too many losses in a row are not finite.
            RunError: no loss on a store is.
        """
        settled, self._settled = self._settled, []
        if settled and self._state.skipped_in_a_row > self._limits.skipped_in_a_row:
            raise _diverged(settled[-1], self._limits)
        for report in settled:
            self._stores.add(report.dataset, is_skipped=report.is_skipped)

    def check_end(self) -> None:
        """Settle what is left, and refuse a training that trained nothing.

        Raises:
            DivergenceError: too many losses in a row are not finite.
            RunError: no loss was finite, or none on a store.
        """
        self.settle()
        self.check()
        self._stores.check_end(steps=self._state.step, skipped=self._state.skipped)


def _diverged(report: StepReport, limits: Limits) -> DivergenceError:
    return DivergenceError(
        f"The loss or its gradient was not finite in {limits.skipped_in_a_row + 1} steps in a row, "
        f"the last one step {report.step} on {report.dataset}.",
        remedy=f"Lower the learning rate, which was {report.learning_rate:.3g}, with "
        "--set optimizer.learning_rate=..., or look for NaN and outliers in that store.",
    )
