"""Time of a training and the share of it that is used, the same in all processes."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matey_core.batches import FieldBatch
from matey_core.distributed import Strategy

POSITIONS = 1_000_000
"""Steps of a schedule that follows time."""
VALIDATIONS = 5
"""Validations of a training; fewer if they would take more than `SHARE` of the time."""
LATEST = 0.9
"""Share of the time after which only the last validation follows."""
SHARE = 0.25
"""Largest fraction of the time for all validations, judged by what the last one took."""


class TimeBudget:
    """Follows the clock of the first process, which all processes agree on after every step.

        share = used / (given − the time that the last validation and checkpoint will take)

    The share never falls and is at most 1. A training ends with the step that was taken at 1, so
    its last step has the last rate of the schedule.
    """

    def __init__(
        self,
        seconds: float,
        *,
        strategy: Strategy,
        delay: int = 1,
        validate_every: int | None = None,
        began: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock.

        Args:
            seconds: given for everything, validations and checkpoints included.
            strategy: the processes.
            delay: steps by which batches are read ahead.
            validate_every: steps from one validation to the next; by default they follow the time.
            began: when the clock started, if that was earlier than now.
            clock: seconds since any moment.
        """
        self.seconds, self.delay, self.validate_every = seconds, delay, validate_every
        self.share = 0.0
        self.is_over = False
        """Whether the step at share 1 has been taken."""
        self.reserve = 0.0
        """Seconds for the last validation and checkpoint."""
        self.step_seconds = 0.0
        """Mean time of a step without validations and checkpoints; 0 if it is not known."""
        self._strategy, self._clock = strategy, clock
        self._began = clock() if began is None else began
        self._before = 0.0  # used by earlier starts of the run
        self._agreed = 0.0  # time used, as all processes know it
        self._last_save = 0.0  # time used at the first step, or when the last validation ended
        self._stepping, self._steps = 0.0, 0
        self._first_step = 0
        self._validates_first = False
        self._shares = [0.0]

    @property
    def used(self) -> float:
        """Seconds used, by the clock of this process."""
        return self._before + self._clock() - self._began

    @property
    def position(self) -> int:
        """Step of a schedule of `POSITIONS` steps."""
        return round(self.share * POSITIONS)

    def is_due(self, step: int) -> bool:
        """Whether a validation follows this step, if it is neither the first nor the last."""
        if self.validate_every is not None:
            return step % self.validate_every == 0
        return self.share < LATEST and self._agreed - self._last_save >= self._pause

    def share_at(self, step: int) -> float:
        """Share for which the batch of a step is read: the one known when reading began.

        All processes get the same answer, however far their readers are.
        """
        known = step - self.delay - self._first_step
        return self._shares[min(max(known, 0), len(self._shares) - 1)]

    def begin(
        self, step: int, *, reserve: float, step_seconds: float, validates_first: bool = False
    ) -> None:
        """Prepare for the first step of this start.

        Args:
            step: steps taken by earlier starts.
            reserve: expected seconds of a validation, until one is measured.
            step_seconds: expected seconds of a step, until one is measured.
            validates_first: whether there is a validation before the first step.
        """
        self._first_step, self._validates_first = step, validates_first
        self.reserve = self.reserve or reserve
        self.step_seconds = step_seconds
        self._agree()
        self._last_save = self._agreed
        self._shares = [self.share]

    def go_back(self, step: int) -> None:
        """Go on from an earlier step; the time that was used since then stays used."""
        self._first_step, self._shares = step, [self.share]

    def after_step(self) -> None:
        """Count a step that was just taken; called by all processes."""
        self.is_over = self.share >= 1
        before = self._agreed
        self._agree()
        self._stepping += self._agreed - before
        self._steps += 1
        self.step_seconds = self._stepping / self._steps
        self._shares.append(self.share)

    def until_over(self, batches: Iterable[FieldBatch]) -> Iterator[FieldBatch]:
        """Yield batches until the training is over, and read none beyond it."""
        stream = iter(batches)
        while not self.is_over:
            yield next(stream)

    @contextmanager
    def saving(self, *, validates: bool) -> Iterator[None]:
        """Measure a validation and checkpoint, which use time; entered by all processes."""
        start = self.used
        yield
        if validates:
            self.reserve = self._strategy.broadcast(self.used - start)
        self._agree()
        self._shares[-1] = self.share
        if validates:
            self._last_save, self._validates_first = self._agreed, False

    def expected_steps(self, step: int) -> int:
        """Estimate the steps of the whole training from the pace so far; `step` are taken."""
        if self.is_over or self.share >= 1 or not self.step_seconds:
            return step + (not self.is_over)
        left = (1 - self.share) * (self.seconds - self.reserve)
        left -= self._validates_first * self.reserve
        if self.validate_every is None:
            steps = (left - self._timed_validations * self.reserve) / self.step_seconds
        else:
            steps = self._steps_in(left, step, self.validate_every)
        return step + max(1, round(steps))

    def expected_validations(self, step: int) -> int:
        """Validations from now on, the last one included; 0 where they take no time."""
        if not self.reserve:
            return 0
        between = self._timed_validations
        if self.validate_every is not None:
            last = self.expected_steps(step) - 1
            between = last // self.validate_every - step // self.validate_every
        return self._validates_first + between + 1

    def _steps_in(self, seconds: float, step: int, every: int) -> float:
        """Steps from a step on, with a validation after every so many."""
        begun = step % every
        period = every * self.step_seconds + self.reserve
        whole, rest = divmod(max(0.0, seconds) + begun * self.step_seconds, period)
        return whole * every + min(every, rest / self.step_seconds) - begun

    @property
    def _pause(self) -> float:
        """Seconds from the end of a validation to the next."""
        return max(self.seconds / VALIDATIONS, (1 / SHARE - 1) * self.reserve)

    @property
    def _timed_validations(self) -> int:
        """Validations that the time still brings before the last one."""
        first = self._last_save + self._validates_first * self.reserve + self._pause
        latest = LATEST * (self.seconds - self.reserve)
        return max(0, math.ceil((latest - first) / (self._pause + self.reserve)))

    def state_dict(self) -> dict[str, Any]:
        """Values that a checkpoint keeps."""
        return {
            "given": self.seconds,
            "seconds": self.used,
            "share": self.share,
            "reserve": self.reserve,
            "is_over": self.is_over,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where a checkpoint was written."""
        self._before = float(state["seconds"])
        self.share = float(state["share"])
        self.reserve = float(state["reserve"])
        self.is_over = bool(state["is_over"])
        if (given := float(state.get("given", self.seconds))) < self.seconds:
            self.share *= given / self.seconds
            self.is_over = False

    def _agree(self) -> None:
        self._agreed = self._strategy.broadcast(self.used)
        available = self.seconds - self.reserve
        reached = self._agreed / available if available > 0 else 1.0
        self.share = max(self.share, min(1.0, reached))
