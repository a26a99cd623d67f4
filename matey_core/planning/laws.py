"""How memory and time grow from what is measured to what is asked for.

    memory(m)  = a + b · m                               m windows of a micro-batch
    step(n, m) = n · (c + d · m) + exchange              n micro-batches of a device
    exchange   = 2 (N − 1) / N · gradients / bandwidth   N devices, a ring, not overlapped

Both lines go through two measured micro-batches. What nobody measures here: slower links between
machines than the bandwidth says, waiting for the slowest device, and storage shared by all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BYTES = 4
"""Of a gradient: float32 in every precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line, neither falling nor below 0 at 0."""

    offset: float
    slope: float

    @classmethod
    def through(cls, first: tuple[float, float], second: tuple[float, float]) -> "Line":
        """Draw it through two points; where it would fall, it is level at the higher one.

        Args:
            first: where, and the value there.
            second: likewise, further right.
        """
        (left, low), (right, high) = first, second
        slope = max(0.0, (high - low) / (right - left))
        offset = low - slope * left
        if offset < 0:
            return cls(offset=0.0, slope=high / right)
        return cls(offset=max(offset, high - slope * right), slope=slope)

    def at(self, where: float) -> float:
        """Value there."""
        return self.offset + self.slope * where


def exchange_seconds(parameters: int, devices: int, bandwidth: float) -> float:
    """Seconds in which devices average their gradients once.

    Args:
        parameters: numbers that train.
        devices: how many.
        bandwidth: bytes a second that a device sends.
    """
    return 2 * (devices - 1) / devices * BYTES * parameters / bandwidth


def largest_micro_batch(windows: int, memory: Line, limit: float) -> int | None:
    """Find the largest equal part of a device's windows that fits.

    Args:
        windows: of a step, on one device.
        memory: bytes by windows of a micro-batch.
        limit: bytes.

    Returns:
        None where not even one window fits.
    """
    return next((each for each in _divisors(windows) if memory.at(each) <= limit), None)


def _divisors(number: int) -> Iterator[int]:
    """From large to small."""
    return (each for each in range(number, 0, -1) if number % each == 0)
