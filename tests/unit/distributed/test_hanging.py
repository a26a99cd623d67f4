"""Processes that hang are told from those that work alone; threads stand for processes here."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
import torch.distributed as dist

from matey_core import heartbeat
from matey_core.distributed import Place
from matey_core.distributed._gate import Gate
from matey_core.errors import RunError
from matey_core.heartbeat import Heartbeat
from matey_core.sequence_group import BROKEN, together

TIMEOUT = timedelta(seconds=0.2)
TIMED_OUT = RuntimeError("[gloo] Timed out waiting 600000ms for recv operation to complete")


class Group:
    """Two members in threads of this process, with the store of a group."""

    def __init__(self) -> None:
        self.store = dist.HashStore()  # type: ignore[attr-defined]
        self.done = threading.Event()
        self.members: list[Heartbeat] = []
        self.threads = [threading.Thread(target=self._live, args=(rank,)) for rank in (0, 1)]
        for number, thread in enumerate(self.threads, start=1):
            thread.start()
            while len(self.members) < number:
                time.sleep(0.01)

    def speak_for(self, rank: int) -> Heartbeat:
        Heartbeat.current = self.members[rank]
        return self.members[rank]

    def _live(self, rank: int) -> None:
        self.members.append(Heartbeat(self.store, rank=rank, size=2, timeout=TIMEOUT))
        self.done.wait()


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    monkeypatch.setattr(heartbeat, "SHORTEST", 0.2)
    made = Group()
    yield made
    made.done.set()
    for member in made.members:
        member.stop()


def test_who_is_silent_is_named_by_the_first_that_waits(group: Group) -> None:
    group.members[0].stop()
    group.speak_for(1)
    with pytest.raises(RunError, match=r"Process 0 .* no sign of life") as found, together():
        raise TIMED_OUT
    assert "timeout_minutes" in found.value.remedy


def test_who_lives_and_does_not_come_is_named_with_its_place_in_the_code(group: Group) -> None:
    group.speak_for(0)
    with pytest.raises(RunError, match=r"Process 1 .* does not come; .*\.py:\d+"), together():
        raise TIMED_OUT


def test_who_waits_too_is_not_named(group: Group) -> None:
    group.speak_for(0)
    waiting = "matey_core/distributed/_gate.py:63"
    group.members[1]._where = lambda: (waiting, True, 0)
    time.sleep(0.1)
    with pytest.raises(RunError, match=BROKEN), together():
        raise TIMED_OUT


def test_the_first_may_work_alone_for_longer_than_the_timeout(group: Group) -> None:
    group.speak_for(1)
    moving = count()
    group.members[0]._where = lambda: ("matey_core/training/loop.py:1", False, next(moving))
    first, second = (Gate(group.store, Place(rank=rank, size=2), TIMEOUT) for rank in (0, 1))
    passed = threading.Event()
    threading.Thread(target=lambda: (second.pass_through(), passed.set())).start()
    assert not passed.wait(4 * TIMEOUT.total_seconds())
    first.pass_through()
    assert passed.wait(5)


def test_a_first_that_stands_still_without_computing_is_not_waited_for(group: Group) -> None:
    group.speak_for(1)
    with pytest.raises(RunError, match=r"Process 0 .* does not move; .*\.py:\d+"):
        Gate(group.store, Place(rank=1, size=2), TIMEOUT).pass_through()


def test_who_computes_or_moves_does_not_stand_still() -> None:
    clock, computed = iter([0.0, 10.0, 20.0, 30.0, 40.0, 50.0]), iter([8.0, 8.1, 15.0, 15.0, 15.0])
    stillness = heartbeat._Stillness(lambda: next(clock), lambda: next(computed))
    assert [stillness.seconds(stack) for stack in (1, 1, 1, 1, 2)] == [0, 10, 0, 10, 0]


def test_a_first_that_is_silent_is_not_waited_for(group: Group) -> None:
    group.members[0].stop()
    group.speak_for(1)
    with pytest.raises(RunError, match="Process 0"):
        Gate(group.store, Place(rank=1, size=2), TIMEOUT).pass_through()
