"""Batches are a function of seed and step, however many processes share them."""

from collections import Counter

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


def test_stores_are_drawn_by_the_root_of_their_windows(windows: list[Windows]) -> None:
    stream = mixture(windows)
    assert [len(part) for part in windows] == [8, 32, 104]
    drawn = Counter(stream.draw(step).store for step in range(4000))
    roots = torch.tensor([len(part) for part in windows]).sqrt()
    found = torch.tensor([drawn[store] for store in range(3)]) / 4000
    # Four standard deviations of a share drawn 4000 times are at most 0.03.
    torch.testing.assert_close(found, roots / roots.sum(), rtol=0, atol=0.03)


def test_leads_are_uniform_and_windows_of_a_batch_distinct(windows: list[Windows]) -> None:
    stream = mixture(windows)
    draws = [stream.draw(step) for step in range(1000)]
    assert all(len(set(draw.indices)) == 6 for draw in draws)
    leads = Counter(lead for draw in draws for lead in draw.lead_steps)
    assert sorted(leads) == [1, 2, 3]
    assert all(abs(count / 6000 - 1 / 3) < 0.03 for count in leads.values())


def test_unfit_mixtures_are_refused(windows: list[Windows]) -> None:
    with pytest.raises(ConfigError, match="6 cannot be shared by 4"):
        mixture(windows, world=4)
    with pytest.raises(DataError, match="no window"):
        mixture([])
    with pytest.raises(CheckpointError, match="seed 0, not 1"):
        mixture(windows, seed=1).load_state_dict(mixture(windows).state_dict())
