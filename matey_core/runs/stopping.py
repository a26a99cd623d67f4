"""What all processes of a training agree on after a step: to save, to end."""

import signal as signals
import time
from dataclasses import dataclass
from typing import NoReturn

import torch

from matey_core.distributed import Strategy
from matey_core.errors import Interrupted
from matey_core.signals import exit_code

HOUR = 3600.0
"""Seconds of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The time that a start of a training may take."""

    most: float | None
    """Hours; None where there is no limit."""
    began: float
    """When the clock started, by `time.monotonic`."""

    @property
    def signal(self) -> int:
        """SIGTERM once the hours are over, as a scheduler would send it; 0 before."""
        is_over = self.most is not None and time.monotonic() - self.began >= HOUR * self.most
        return signals.SIGTERM if is_over else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What some process was asked for; the same in all."""

    signal: int
    """The signal that asked a process to end; 0 where none did."""
    is_due: bool
    """Whether it is time for a checkpoint, by the clock of the first."""

    @property
    def saves(self) -> bool:
        """Whether a checkpoint has to be written."""
        return self.is_due or self.signal != 0


def agree(signal: int, is_due: bool, strategy: Strategy) -> Asked:
    """Collect what every process was asked for.

    Args:
        signal: that this process has heard; 0 for none.
        is_due: whether it is time for a checkpoint, by the clock of this process.
        strategy: the processes.
    """
    gathered = strategy.all_gather(torch.tensor([signal, is_due]))
    signals, due = torch.stack(gathered).unbind(1)
    return Asked(signal=int(signals.max()), is_due=bool(due[0]))


def end(signal: int, strategy: Strategy) -> NoReturn:
    """End this process once the first has written what it had to.

    A launcher that sees one process end may end the others.

    Raises:
        Interrupted: always.
    """
    strategy.broadcast(None)
    raise Interrupted("", exit_code=exit_code(signal))
