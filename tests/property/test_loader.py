"""Every window has its turn: over passes, over epochs, over processes, over restarts."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matey_core.batches import FieldBatch
from matey_core.data import Loader, Mixture, Windows
from matey_core.store import Store, open_store
from tests.support import tiny_store

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=4)
NAMES = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    folder = tmp_path_factory.mktemp("epochs")
    paths = [tiny_store(folder, name=name, shape=(2, 2), samples=2, frames=2) for name in NAMES]
    return [open_store(path) for path in paths]


def windows(stores: list[Store], sizes: list[int]) -> list[Windows]:
    """As many windows of each store as wanted, by naming a sample several times."""
    return [
        Windows(store, (0,) * size, history=1, max_lead=1)
        for store, size in zip(stores, sizes, strict=False)
    ]


def seen(mixture: Mixture, steps: range) -> list[tuple[int, int]]:
    draws = [mixture.draw(step) for step in steps]
    return [(draw.store, index) for draw in draws for index in draw.indices]


@given(sizes=SIZES, batch=st.integers(1, 12), seed=st.integers(0, 2**32), epoch=st.integers(0, 9))
def test_a_whole_epoch_is_every_window_once(
    stores: list[Store], sizes: list[int], batch: int, seed: int, epoch: int
) -> None:
    mixture = Mixture(windows(stores, sizes), batch_size=batch, seed=seed, whole_epochs=True)
    length = mixture.epoch_batches
    found = seen(mixture, range(epoch * length, (epoch + 1) * length))
    assert sorted(found) == [(store, i) for store, size in enumerate(sizes) for i in range(size)]
    assert length == sum(-(-size // batch) for size in sizes)


@given(
    sizes=SIZES,
    batch=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    exponent=st.floats(0, 2),
    data=st.data(),
)
def test_every_window_comes_once_a_pass_in_full_batches(
    stores: list[Store], sizes: list[int], batch: int, seed: int, exponent: float, data
) -> None:
    weights = data.draw(
        st.dictionaries(st.sampled_from(NAMES[: len(sizes)]), st.floats(0.1, 10), max_size=4)
    )
    mixture = Mixture(
        windows(stores, sizes), batch_size=batch, seed=seed, exponent=exponent, weights=weights
    )
    steps = range(3 * mixture.epoch_batches)
    assert all(len(mixture.draw(step).indices) == batch for step in steps)
    for store, size in enumerate(sizes):
        # The store's batches in the order of its stream, which an epoch shuffles.
        numbered = []
        for step in steps:
            epoch, place = divmod(step, mixture.epoch_batches)
            if (draw := mixture.draw(step)).store == store:
                number = mixture._order(epoch).numbers[place]
                numbered.append((epoch, int(number), draw.indices))
        stream = [index for _, _, indices in sorted(numbered) for index in indices]
        assert len(stream) == 3 * batch * mixture.shares[store]
        for start in range(0, len(stream) - size + 1, size):
            assert sorted(stream[start : start + size]) == list(range(size))


@given(batches=st.lists(st.integers(1, 5), min_size=1, max_size=4), batch=st.integers(1, 8))
def test_sizes_that_divide_make_whole_epochs_by_themselves(
    stores: list[Store], batches: list[int], batch: int
) -> None:
    sizes = [batch * count for count in batches]
    mixture = Mixture(windows(stores, sizes), batch_size=batch, seed=0, exponent=1)
    assert mixture.epoch_batches == sum(batches)
    for epoch in range(3):
        found = seen(mixture, range(epoch * sum(batches), (epoch + 1) * sum(batches)))
        assert sorted(found) == [(s, i) for s, size in enumerate(sizes) for i in range(size)]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Windows]:
    """Windows whose histories are all different."""
    folder = tmp_path_factory.mktemp("ranks")
    kinds = {"line": (8,), "plane": (4, 4)}
    paths = [
        tiny_store(folder, name=name, shape=shape, samples=4, frames=9, split=(1, 0, 0))
        for name, shape in kinds.items()
    ]
    opened = [open_store(path) for path in paths]
    return [Windows(store, store.samples("train"), history=2, max_lead=2) for store in opened]


def keys(batch: FieldBatch) -> list[tuple[str, bytes, int]]:
    return [
        (batch.spec.dataset, history.numpy().tobytes(), int(lead))
        for history, lead in zip(batch.history, batch.lead_steps[:, 0], strict=True)
    ]


def all_keys(windows: list[Windows]) -> Counter:
    every: Counter = Counter()
    for part in windows:
        batch = part.batch(range(len(part)), [[1]] * len(part))
        every.update(key[:2] for key in keys(batch))
    return every


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("whole", [False, True])
@given(seed=st.integers(0, 99), before=st.integers(0, 20), now=st.sampled_from([1, 2, 3]))
def test_a_restored_state_continues_with_exactly_the_rest(
    mixed: list[Windows], world: int, whole: bool, seed: int, before: int, now: int
) -> None:
    def mixture(rank: int, size: int) -> Mixture:
        return Mixture(
            mixed, batch_size=6, seed=seed, rank=rank, world=size, whole_epochs=whole, exponent=1
        )

    straight = mixture(0, 1)
    length = straight.epoch_batches
    before %= length
    rest = [key for step in range(before, length) for key in keys(straight.batch(step))]
    ranks = [mixture(rank, world) for rank in range(world)]
    for _ in range(before):
        for stream in ranks:
            next(stream)
    states = [stream.state_dict() for stream in ranks]
    assert all(state == states[0] for state in states)
    assert (states[0]["epoch"], states[0]["position"]) == (0, before)
    resumed = [mixture(rank, now) for rank in range(now)]
    found = []
    for stream in resumed:
        stream.load_state_dict(states[0])
    for _ in range(before, length):
        for stream in resumed:
            found += keys(next(stream))
    assert found == rest


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_union_over_ranks_is_the_epoch(mixed: list[Windows], world: int) -> None:
    ranks = [
        Mixture(mixed, batch_size=6, seed=4, rank=rank, world=world, whole_epochs=True)
        for rank in range(world)
    ]
    sizes = np.zeros(world, int)
    found: Counter = Counter()
    for _ in range(ranks[0].epoch_batches):
        batches = [next(stream) for stream in ranks]
        assert max(b.size for b in batches) - min(b.size for b in batches) <= 1
        assert len({batch.spec.dataset for batch in batches}) == 1
        sizes += [batch.size for batch in batches]
        found.update(key[:2] for batch in batches for key in keys(batch))
    assert found == all_keys(mixed)
    assert set(found.values()) == {1}
    assert sizes.sum() == sum(len(part) for part in mixed)


@given(seed=st.integers(0, 2**32), workers=st.integers(0, 3), prefetch=st.integers(1, 6))
def test_two_runs_with_one_seed_are_alike(
    mixed: list[Windows], seed: int, workers: int, prefetch: int
) -> None:
    one = Mixture(mixed, batch_size=6, seed=seed)
    other = Mixture(mixed, batch_size=6, seed=seed)
    with Loader(other, steps=5, workers=workers, prefetch=prefetch) as batches:
        for batch in batches:
            expected = next(one)
            assert batch.spec == expected.spec
            assert torch.equal(batch.history, expected.history)
            assert torch.equal(batch.targets, expected.targets)
            assert torch.equal(batch.lead_steps, expected.lead_steps)
