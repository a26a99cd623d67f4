"""Threads change when batches are read, never which, in what order, or how many."""

import threading
import time
from pathlib import Path

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.data import Loader, Mixture, Windows
from matey_core.errors import DataError
from matey_core.store import Store, open_store
from tests.support import tiny_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tiny_store(tmp_path_factory.mktemp("loader"), split=(1, 0, 0)))


def mixture(store: Store) -> Mixture:
    windows = Windows(store, store.samples("train"), history=2, max_lead=2)
    return Mixture([windows], batch_size=4, seed=3)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("matey-reader")]


def assert_same(one: FieldBatch, other: FieldBatch) -> None:
    assert torch.equal(one.history, other.history)
    assert torch.equal(one.lead_steps, other.lead_steps)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("prefetch", [None, 1, 7])
def test_batches_are_those_of_the_mixture(store: Store, workers: int, prefetch: int | None) -> None:
    plain, read = mixture(store), mixture(store)
    with Loader(read, steps=9, workers=workers, prefetch=prefetch) as batches:
        for number, batch in enumerate(batches):
            assert read.step == number + 1
            assert_same(batch, next(plain))
    assert read.step == 9
    assert not readers()


def test_what_was_read_ahead_is_not_lost_by_a_restart(store: Store) -> None:
    plain, first, second = mixture(store), mixture(store), mixture(store)
    with Loader(first, workers=2, prefetch=5) as batches:
        for _ in range(4):
            assert_same(next(batches), next(plain))
        state = first.state_dict()
    second.load_state_dict(state)
    with Loader(second, workers=1) as batches:
        for _ in range(4):
            assert_same(next(batches), next(plain))


def test_a_mixture_that_is_moved_is_followed(store: Store) -> None:
    moved, plain = mixture(store), mixture(store)
    with Loader(moved, workers=2, prefetch=3) as batches:
        next(batches)
        moved.step = 20
        assert_same(next(batches), plain.batch(20))


def test_as_many_batches_are_read_ahead_as_there_may_be(store: Store) -> None:
    stream, read = mixture(store), set()
    plain = stream.batch

    def noted(step: int) -> FieldBatch:
        read.add(step)
        return plain(step)

    stream.batch = noted  # type: ignore[method-assign]
    with Loader(stream, workers=2, prefetch=3) as batches:
        next(batches)
        deadline = time.monotonic() + 60
        while len(read) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert read == {0, 1, 2, 3}


def test_threads_end_with_the_work_however_it_ends(store: Store) -> None:
    for error in (RuntimeError, KeyboardInterrupt):
        batches = Loader(mixture(store), workers=2)
        with pytest.raises(error), batches:
            _fail_after_one(batches, error)
        assert not readers()
        assert list(batches) == []


def _fail_after_one(batches: Loader, error: type[BaseException]) -> None:
    next(batches)
    assert readers()
    raise error


def test_damage_is_told_at_the_batch_that_meets_it(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, samples=3, split=(1, 0, 0))
    stream = mixture(open_store(path))
    (path / "density" / "c" / "2" / "0" / "0" / "0").unlink()
    # Windows 18 to 26 are those of sample 2; all of its two fields' frames are in one file.
    meets = [max(stream.draw(step).indices) >= 18 for step in range(7)]
    with pytest.raises(DataError, match="0 found"), Loader(stream, steps=40) as batches:
        list(batches)
    assert stream.step == meets.index(True)
    assert not readers()
