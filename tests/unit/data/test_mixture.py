"""Batches are a function of seed and step, however many processes share them."""

import json
from collections import Counter
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matey_core.batches import FieldBatch
from matey_core.data import Mixture, Windows
from matey_core.errors import CheckpointError, ConfigError, DataError
from matey_core.store import open_store
from tests.support import tiny_store


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> list[Windows]:
    folder = tmp_path_factory.mktemp("mixture")
    kinds = {
        "line": {"shape": (8,), "frames": 6},
        "plane": {"shape": (4, 4), "frames": 12},
        "react": {"shape": (4, 4), "frames": 30, "fields": ("activator", "inhibitor")},
    }
    stores = [
        open_store(tiny_store(folder, name=name, samples=4, split=(1, 0, 0), **kind))
        for name, kind in kinds.items()
    ]
    return [Windows(store, store.samples("train"), history=2, max_lead=3) for store in stores]


def mixture(windows: list[Windows], *, seed: int = 0, rank: int = 0, world: int = 1) -> Mixture:
    return Mixture(windows, batch_size=6, seed=seed, rank=rank, world=world)


def assert_same(one: FieldBatch, other: FieldBatch) -> None:
    assert one.spec == other.spec
    assert torch.equal(one.history, other.history)
    assert torch.equal(one.targets, other.targets)
    assert torch.equal(one.lead_steps, other.lead_steps)


@given(seed=st.integers(0, 2**31), before=st.integers(0, 5))
def test_a_stream_resumes_exactly(windows: list[Windows], seed: int, before: int) -> None:
    first = mixture(windows, seed=seed)
    for _ in range(before):
        next(first)
    second = mixture(windows, seed=seed)
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        assert_same(next(first), next(second))


@given(seed=st.integers(0, 1000), world=st.sampled_from([2, 3, 6]))
def test_the_processes_share_one_global_batch(
    windows: list[Windows], seed: int, world: int
) -> None:
    whole = next(mixture(windows, seed=seed))
    parts = [next(mixture(windows, seed=seed, rank=rank, world=world)) for rank in range(world)]
    assert all(part.spec == whole.spec for part in parts)
    assert torch.equal(torch.cat([part.history for part in parts]), whole.history)
    assert torch.equal(torch.cat([part.targets for part in parts]), whole.targets)
    assert torch.equal(torch.cat([part.lead_steps for part in parts]), whole.lead_steps)


def test_stores_have_shares_by_the_root_of_their_windows(windows: list[Windows]) -> None:
    stream = mixture(windows)
    assert [len(part) for part in windows] == [8, 32, 104]
    assert stream.epoch_batches == 24
    # Roots 2.83, 5.66 and 10.2 of 24 batches: 3.63, 7.27 and 13.1.
    for epoch in range(3):
        steps = range(24 * epoch, 24 * (epoch + 1))
        drawn = Counter(stream.draw(step).store for step in steps)
        assert [drawn[store] for store in range(3)] == [4, 7, 13]


def test_weights_by_name_take_the_place_of_the_exponent(windows: list[Windows]) -> None:
    weights = {"line": 4.0, "react": 0.0}
    stream = Mixture(windows, batch_size=6, seed=0, weights=weights)
    drawn = Counter(stream.draw(step).store for step in range(stream.epoch_batches))
    assert stream.epoch_batches == 24
    assert drawn == {0: 19, 1: 5}


def test_leads_and_seeds_belong_to_places_in_the_stream(windows: list[Windows]) -> None:
    stream = mixture(windows)
    draws = [stream.draw(step) for step in range(1000)]
    leads = Counter(lead for draw in draws for lead in draw.lead_steps)
    assert sorted(leads) == [1, 2, 3]
    assert all(abs(count / 6000 - 1 / 3) < 0.03 for count in leads.values())
    seeds = [(draw.store, seed) for draw in draws for seed in draw.seeds]
    assert len(set(seeds)) == 6000
    assert all(0 <= seed < 2**63 for _, seed in seeds)


def test_each_window_draws_from_the_leads_that_it_has(windows: list[Windows]) -> None:
    store = windows[1].store
    kinds = {"history": 2, "max_lead": 9}
    whole = Windows(store, (0, 1), **kinds)
    every = Windows(store, (0, 1), **kinds, leads="available")
    assert (len(whole), len(every)) == (2 * 2, 2 * 10)
    stream = Mixture([every], batch_size=5, seed=3, whole_epochs=True)
    found = Counter(
        pair
        for draw in map(stream.draw, range(400 * stream.epoch_batches))
        for pair in zip(draw.indices, draw.lead_steps, strict=True)
    )
    assert {index for index, _ in found} == set(range(20))
    for index in range(20):
        leads = min(9, 10 - index % 10)
        counts = [found[index, lead] for lead in range(1, 11)]
        assert sum(counts) == 400
        assert counts[leads:] == [0] * (10 - leads)
        assert min(counts[:leads]) > 200 / leads
    batch = Mixture([every], batch_size=5, seed=3, with_change=True).batch(0)
    assert batch.change is not None
    assert batch.change.isfinite().all()


def test_augmentations_get_the_seeds_of_their_samples(windows: list[Windows]) -> None:
    def seeds_of(rank: int, world: int) -> list[int]:
        heard: list[int] = []

        def augment(batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
            heard.extend(seeds)
            return batch

        next(Mixture(windows, batch_size=6, seed=1, rank=rank, world=world, augment=augment))
        return heard

    whole = seeds_of(0, 1)
    assert len(set(whole)) == 6
    assert [seed for rank in range(3) for seed in seeds_of(rank, 3)] == whole


def test_targets_are_those_that_are_asked_for_at_a_step(windows: list[Windows]) -> None:
    def targets(lead: int, step: int) -> tuple[int, ...]:
        return (lead,) if step < 2 else (1, lead)

    batches = Mixture(windows, batch_size=6, seed=1, targets=targets)
    for step in range(4):
        leads = batches.draw(step).lead_steps
        found = batches.batch(step).lead_steps.tolist()
        assert found == [list(targets(lead, step)) for lead in leads]


def test_unfit_mixtures_are_refused(windows: list[Windows]) -> None:
    with pytest.raises(ConfigError, match="6 cannot be cut into 4 equal parts"):
        mixture(windows, world=4)
    with pytest.raises(DataError, match="no window"):
        mixture([])


def test_a_state_of_other_data_is_refused(windows: list[Windows]) -> None:
    state = mixture(windows).state_dict()
    assert state == json.loads(json.dumps(state))
    with pytest.raises(CheckpointError, match="seed was 0, not 1"):
        mixture(windows, seed=1).load_state_dict(state)
    with pytest.raises(CheckpointError, match="batch size was 6, not 3"):
        Mixture(windows, batch_size=3, seed=0).load_state_dict(state)
    with pytest.raises(CheckpointError, match="store line is gone"):
        mixture(windows[1:]).load_state_dict(state)
    with pytest.raises(CheckpointError, match="store line is new"):
        mixture(windows).load_state_dict(mixture(windows[1:]).state_dict())
    with pytest.raises(CheckpointError, match="react had 13 batches an epoch, not 6"):
        Mixture(windows, batch_size=6, seed=0, weights={"line": 2.0}).load_state_dict(state)
    with pytest.raises(CheckpointError, match="came in the order line, plane, react, not react"):
        mixture(windows[::-1]).load_state_dict(state)
    longer = [Windows(p.store, p.samples, history=3, max_lead=3) for p in windows]
    with pytest.raises(CheckpointError, match="line had 8 windows, not 4"):
        mixture(longer).load_state_dict(state)
    for damaged in ({"step": 3, "seed": 0}, {**state, "epoch": "x"}, {**state, "stores": 3}):
        with pytest.raises(CheckpointError, match="damaged, or of another version"):
            mixture(windows).load_state_dict(damaged)
