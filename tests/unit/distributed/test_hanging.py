"""Processes that hang are told from those that work alone; threads stand for processes here.

Nothing here depends on how busy the machine is: a pause lasts until all that live have spoken.
"""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from types import SimpleNamespace

import pytest
import torch.distributed as dist

from matey_core import heartbeat
from matey_core.distributed import Place
from matey_core.distributed._gate import Gate
from matey_core.errors import RunError
from matey_core.heartbeat import Heartbeat
from matey_core.sequence_group import BROKEN, together

TIMEOUT = timedelta(minutes=10)
MOMENT = timedelta(seconds=0.01)
PATIENCE = 20.0
"""Seconds that a test waits before it fails."""
TIMED_OUT = RuntimeError("[gloo] Timed out waiting 600000ms for recv operation to complete")


class Group:
    """Two members in threads of this process, with the store of a group."""

    def __init__(self) -> None:
        self.store = dist.HashStore()  # type: ignore[attr-defined]
        self.done = threading.Event()
        self.asked = threading.Semaphore(0)
        self.members: list[Heartbeat] = []
        self.threads = [threading.Thread(target=self._live, args=(rank,)) for rank in (0, 1)]
        for number, thread in enumerate(self.threads, start=1):
            thread.start()
            while len(self.members) < number:
                time.sleep(0.001)

    def speak_for(self, rank: int) -> Heartbeat:
        Heartbeat.current = self.members[rank]
        return self.members[rank]

    def silence(self, rank: int) -> None:
        self.members[rank].stop()
        self.members[rank]._thread.join()

    def stand_still(self, rank: int) -> None:
        """Say that a member computes nothing, and that an hour passes from sign to sign."""
        hours = count(step=3600.0)
        self.members[rank]._stillness = heartbeat._Stillness(lambda: next(hours), lambda: 0.0)

    def pause(self, seconds: float) -> None:
        """Wait until each member that lives has begun and ended a sign of life."""
        if seconds == 0:
            return
        self.asked.release()
        living = [each.rank for each in self.members if not each._ended.is_set()]
        begun = {rank: self._beat(rank) for rank in living}
        deadline = time.monotonic() + PATIENCE
        while any(self._beat(rank) < begun[rank] + 2 for rank in living):
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def _beat(self, rank: int) -> int:
        return json.loads(self.store.get(f"heartbeat/{rank}"))["beat"]

    def _live(self, rank: int) -> None:
        self.members.append(Heartbeat(self.store, rank=rank, size=2, timeout=TIMEOUT))
        self.done.wait()


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    monkeypatch.setattr(heartbeat, "SHORTEST", PATIENCE)
    monkeypatch.setattr(heartbeat, "SLOWEST", MOMENT.total_seconds())
    made = Group()
    monkeypatch.setattr(heartbeat, "time", SimpleNamespace(sleep=made.pause))
    yield made
    made.done.set()
    for rank in (0, 1):
        made.silence(rank)


def test_who_is_silent_is_named_by_the_first_that_waits(group: Group) -> None:
    group.silence(0)
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
    with pytest.raises(RunError, match=BROKEN), together():
        raise TIMED_OUT


def test_the_first_may_work_alone_for_longer_than_the_timeout(group: Group) -> None:
    group.speak_for(1)
    first, second = (Gate(group.store, Place(rank=rank, size=2), MOMENT) for rank in (0, 1))
    waiting = threading.Thread(target=second.pass_through)
    waiting.start()
    assert all(group.asked.acquire(timeout=PATIENCE) for _ in range(3))
    assert waiting.is_alive()
    first.pass_through()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_a_first_that_stands_still_without_computing_is_not_waited_for(group: Group) -> None:
    group.stand_still(0)
    group.speak_for(1)
    with pytest.raises(RunError, match=r"Process 0 .* does not move; .*\.py:\d+"):
        Gate(group.store, Place(rank=1, size=2), MOMENT).pass_through()


def test_who_computes_or_moves_does_not_stand_still() -> None:
    clock, computed = iter([0.0, 10.0, 20.0, 30.0, 40.0, 50.0]), iter([8.0, 8.1, 15.0, 15.0, 15.0])
    stillness = heartbeat._Stillness(lambda: next(clock), lambda: next(computed))
    assert [stillness.seconds(stack) for stack in (1, 1, 1, 1, 2)] == [0, 10, 0, 10, 0]


def test_a_first_that_is_silent_is_not_waited_for(group: Group) -> None:
    group.silence(0)
    group.speak_for(1)
    with pytest.raises(RunError, match="Process 0"):
        Gate(group.store, Place(rank=1, size=2), MOMENT).pass_through()
