"""Windows start where fields change, as often as NumPy says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.data import Mixture, Starts, Windows
from matey_core.store import Store, open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_store

FRAMES = 35


def slowing(samples: int) -> np.ndarray:
    """A wave that moves by ever smaller steps, and a field that is 0."""
    angle = np.cumsum(np.r_[0, 1.5 / np.arange(1, FRAMES)])
    place = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    wave = np.sin(place + angle[:, None] + np.arange(samples)[:, None, None])
    return np.stack([wave, 0 * wave], axis=-1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("starts")
    np.save(folder / "slowing.npy", slowing(5).astype(np.float32))
    prepare(
        PrepareConfig(
            source=folder / "slowing.npy",
            reader="array",
            dims=("sample", "time", "x", "field=channel"),
            fields=("wave", "nothing"),
            split=(1, 0, 0),
            out=folder / "zarr",
        )
    )
    return open_store(folder / "zarr" / "slowing.zarr")


def test_half_of_the_draws_follow_the_change(store: Store) -> None:
    windows = Windows(store, (0, 2, 3), history=3, max_lead=1)
    assert windows.per_sample == 32
    # Chords of the circle that the wave goes around, over its spread of √½; the other field has 0.
    steps = 1.5 / np.arange(1, FRAMES)[2:]
    change = 0.5 * np.minimum(2 * np.sin(steps / 2), 1)
    expected = 0.5 / 32 + 0.5 * change / change.sum()
    found = Starts(windows).shares
    assert found.sum() == pytest.approx(1)
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_starts_between_those_that_are_read_are_interpolated(tmp_path: Path) -> None:
    long = open_store(tiny_store(tmp_path, samples=2, frames=81, split=(1, 0, 0)))
    shares = Starts(Windows(long, (0, 1), history=1, max_lead=1)).shares
    assert len(shares) == 80
    assert shares.sum() == pytest.approx(1)
    assert shares.min() > 0.9 / 80


def test_a_pass_has_as_many_of_every_trajectory_and_starts_by_their_shares(store: Store) -> None:
    windows = Windows(store, (0, 2, 3), history=3, max_lead=1)
    stream = Mixture([windows], batch_size=6, seed=5, by_change=True)
    shares = Starts(windows).shares
    indices = [index for step in range(800) for index in stream.draw(step).indices]
    assert Counter(index // 32 for index in indices) == {0: 1600, 1: 1600, 2: 1600}
    starts = np.bincount([index % 32 for index in indices], minlength=32)
    assert np.abs(starts / 4800 - shares).max() < 0.007


def test_processes_share_the_same_draws(store: Store) -> None:
    windows = Windows(store, (0, 2, 3), history=3, max_lead=1)
    whole, *parts = (
        Mixture([windows], batch_size=6, seed=5, rank=rank, world=world, by_change=True).batch(7)
        for rank, world in ((0, 1), (0, 2), (1, 2))
    )
    assert torch.equal(torch.cat([part.history for part in parts]), whole.history)


def test_where_fields_change_at_a_constant_pace_windows_are_those_of_before(
    tmp_path: Path,
) -> None:
    steady = open_store(tiny_store(tmp_path, samples=3, split=(1, 0, 0)))
    windows = Windows(steady, (0, 1, 2), history=2, max_lead=2)
    assert Starts(windows).shares.tolist() == pytest.approx([1 / 9] * 9, rel=1e-3)
    uniform = Mixture([windows], batch_size=9, seed=1)
    drawn = Mixture([windows], batch_size=9, seed=1, by_change=True)
    for step in range(3):
        assert drawn.draw(step) == uniform.draw(step)
