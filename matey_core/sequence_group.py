"""Processes that share the tokens of every sample, and how they exchange them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from matey_core.errors import RunError
from matey_core.heartbeat import Heartbeat
from matey_core.numbers import duration

BROKEN = "The connection to another process broke"
"""What a process says that fails because another has failed."""

TIMEOUTS = ("timed out", "timeout")
SIGNS = ("gloo", "nccl", "connection", "broken pipe", "pair closure", *TIMEOUTS)
"""In what libraries say when a group breaks: gloo raises nothing but RuntimeError."""


@contextmanager
def together() -> Iterator[None]:
    """Say plainly that another process is gone, or which one is not when it does not answer.

    A process that has failed has its own message; one that hangs has none.

    Raises:
        RunError: the exchange with the others has failed.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_of_connection(error):
            raise
        if any(sign in str(error).lower() for sign in TIMEOUTS):
            raise_if_absent(error)
        raise RunError(
            f"{BROKEN}: {str(error).splitlines()[0]}",
            remedy="Look at that process' own message, beside this one.",
        ) from error


def raise_if_absent(error: RuntimeError | None, *, if_alive: bool = True) -> None:
    """Name the processes that this one has waited for in vain.

    Args:
        error: what the wait ended with, if it has ended.
        if_alive: whether those count as well that live and move, but are at something else.

    Raises:
        RunError: there are any. The first of those that wait names them.
    """
    heartbeat = Heartbeat.current
    found = [] if heartbeat is None else heartbeat.absent()
    absent = [each for each in found if each.is_silent or each.is_stuck or if_alive]
    if heartbeat is None or not absent:
        return
    named = "; ".join(map(str, absent))
    ranks = {each.rank for each in absent}
    if any(rank not in ranks for rank in range(heartbeat.rank)):
        raise RunError(f"{BROKEN}: {named}") from error
    waited = duration(heartbeat.timeout.total_seconds())
    raise RunError(
        f"Others have waited {waited} for a process. {named}.",
        remedy="Look at its machine and storage, end what is left of it, and start the command "
        "again with --resume. If it was at honest work, give a new run more time, such as "
        "--set strategy.name=ddp --set strategy.timeout_minutes=60.",
    ) from error


def _is_of_connection(error: RuntimeError) -> bool:
    """Tell a group that broke from all else that can fail in it, such as memory that runs out."""
    if isinstance(error, torch.OutOfMemoryError):
        return False
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(sign in text for sign in SIGNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceGroup:
    """This process among those that hold a part each of the same samples.

    All of them have the same batch and the same weights, and call the same methods in the
    same order. Whatever a sample's tokens do not decide (normalization, the choice of cells,
    the loss) each computes for itself.
    """

    rank: int
    size: int
    handle: dist.ProcessGroup

    def exchange(self, values: Tensor, sent: Sequence[int], received: Sequence[int]) -> Tensor:
        """Give every process its part of `values`, and take what all have for this one.

        The gradient takes the same way back.

        Args:
            values: (n,) parts for the processes, in their order.
            sent: numbers in each part.
            received: numbers that each process has for this one.

        Returns:
            (m,) what was received, in the order of the processes.
        """
        return _Exchange.apply(values, self, tuple(sent), tuple(received))  # type: ignore[no-untyped-call]

    def sum(self, values: Tensor) -> Tensor:
        """Add up what all processes have, for a loss that all of them compute alike.

        The gradient of that one loss is every process' already, and is passed on as it is.

        Args:
            values: (…) of this process; of one shape on all.

        Returns:
            (…) the sum, the same on all.
        """
        return _Sum.apply(values, self)  # type: ignore[no-untyped-call]

    def share_gradient(self, value: Tensor) -> Tensor:
        """Give each process its share of a gradient that all of them compute alike.

        Args:
            value: (…) is returned with the same numbers.
        """
        whole = value.detach()
        return whole + (value - whole) / self.size

    def pass_on(self, values: Tensor, size: int) -> "Coming":
        """Send a vector to the next process, and begin to receive one of the process before.

        Args:
            values: (n,) to send; not to be changed before the answer has come.
            size: numbers that the process before sends.
        """
        coming = values.new_empty(size)
        before, after = (self.rank - 1) % self.size, (self.rank + 1) % self.size
        with together():
            operations = [
                dist.P2POp(dist.isend, values, group=self.handle, group_peer=after),
                dist.P2POp(dist.irecv, coming, group=self.handle, group_peer=before),
            ]
            return Coming(values=coming, sent=values, works=dist.batch_isend_irecv(operations))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A vector on its way to this process."""

    values: Tensor
    sent: Tensor
    """Kept until it has left."""
    works: Sequence[dist.Work]

    def wait(self) -> Tensor:
        """Return it, (n,), once it is here."""
        with together():
            for work in self.works:
                work.wait()
        return self.values


def _all_to_all(
    values: Tensor, group: SequenceGroup, sent: Sequence[int], received: Sequence[int]
) -> Tensor:
    result = values.new_empty(sum(received))
    with together():
        dist.all_to_all_single(
            result, values.contiguous(), list(received), list(sent), group=group.handle
        )
    return result


class _Exchange(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        group: SequenceGroup,
        sent: tuple[int, ...],
        received: tuple[int, ...],
    ) -> Tensor:
        ctx.way = group, sent, received
        return _all_to_all(values, group, sent, received)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        group, sent, received = ctx.way
        return _all_to_all(gradient, group, received, sent), None, None, None


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, group: SequenceGroup) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        with together():
            dist.all_reduce(total, group=group.handle)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None
