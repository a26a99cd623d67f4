"""What a store changes by, against NumPy; batches carry it, whoever reads them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS, Chain
from matey_core.augmentations.scale import RandomScale
from matey_core.data import Loader, Mixture, Windows, mean_change
from matey_core.store import Store, open_store
from tests.support import advected, tiny_store

FRAMES = 12
VALUES = advected((4, 6), samples=5, frames=FRAMES, fields=2).astype(np.float64)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("change")
    return open_store(tiny_store(folder, shape=(4, 6), samples=5, frames=FRAMES))


def windows_of(store: Store, **kwargs: int) -> Windows:
    return Windows(store, (0, 2, 3), history=3, max_lead=2, **kwargs)


def test_the_root_mean_square_error_of_persistence_at_every_lead(store: Store) -> None:
    windows = windows_of(store, extra_frames=2)
    found = mean_change(windows)
    assert found.shape == (4, 2)
    assert found.dtype == torch.float32
    for lead in range(1, 5):
        squares = [
            (VALUES[sample, start + 2 + lead] - VALUES[sample, start + 2]) ** 2
            for sample, start in map(windows.place, range(len(windows)))
        ]
        expected = np.sqrt(np.mean(squares, axis=(0, 2, 3)))
        assert found[lead - 1].tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_windows_near_the_end_do_not_count(store: Store) -> None:
    every = Windows(store, (0, 2, 3), history=3, max_lead=5, leads="available")
    whole = Windows(store, (0, 2, 3), history=3, max_lead=5)
    assert torch.equal(mean_change(every), mean_change(whole))


def test_at_most_as_many_windows_as_asked_for_evenly_spread(store: Store) -> None:
    windows = windows_of(store)
    assert len(windows) == 24
    places = [windows.place(index) for index in (0, 12, 23)]  # 0, 11.5, 23
    squares = [(VALUES[s, f + 3] - VALUES[s, f + 2]) ** 2 for s, f in places]
    found = mean_change(windows, num_windows=3)[0]
    assert found.tolist() == pytest.approx(np.sqrt(np.mean(squares, axis=(0, 2, 3))), rel=1e-6)


class Frozen(Windows):
    """Windows of fields that stand still: a wave, a constant, a constant with noise, nothing."""

    kind = "wave"

    def _read(self, runs: object, out: np.ndarray) -> None:
        del runs
        out[:] = {
            "wave": 300 + np.arange(24.0).reshape(4, 6),
            "constant": 0.3,
            "noise": np.float32(300) * (1 + 6e-8 * np.random.default_rng(0).choice([0, 1], (4, 6))),
            "nothing": 0.0,
        }[self.kind]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("wave", 1e-3 * np.arange(24).std()),
        ("constant", 1e-6 * 0.3),
        ("noise", 1e-6 * 300),
        ("nothing", 0),
    ],
)
def test_a_field_that_stands_still_has_a_floor(store: Store, kind: str, expected: float) -> None:
    windows = Frozen(store, (0, 2, 3), history=3, max_lead=2)
    windows.kind = kind
    found = mean_change(windows)
    assert found.flatten().tolist() == pytest.approx([expected] * 4, rel=1e-5)


def test_what_is_not_known_does_not_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = windows_of(store)
    read = store.read_into

    def with_holes(out: np.ndarray, sample: int, start: int, stop: int) -> None:
        read(out, sample, start, stop)
        out[:, 0, 1] = np.nan
        if sample == 2:
            out[:, 1] = np.nan

    monkeypatch.setattr(type(store), "read_into", lambda _, *args: with_holes(*args))
    windows._holed = [0, 1]
    found = mean_change(windows)[0]
    expected = []
    for field, samples in ((0, (0, 2, 3)), (1, (0, 3))):
        squares = [
            (VALUES[s, f + 3, field] - VALUES[s, f + 2, field]) ** 2
            for s in samples
            for f in range(windows.per_sample)
        ]
        squares = [np.delete(square, 1, axis=0) if field == 0 else square for square in squares]
        expected.append(np.sqrt(np.mean(squares)))
    assert found.tolist() == pytest.approx(expected, rel=1e-6)


def test_batches_carry_the_change_up_to_each_target(store: Store) -> None:
    windows = windows_of(store, extra_frames=1)
    table = mean_change(windows)

    def batches(**kwargs: int) -> list[torch.Tensor]:
        mixture = Mixture(
            [windows],
            batch_size=6,
            seed=2,
            targets=lambda lead, step: (1, 1 + lead),
            with_change=True,
            **kwargs,
        )
        with Loader(mixture, steps=3, workers=2) as loader:
            found = []
            for batch in loader:
                assert batch.change is not None
                assert torch.equal(batch.change, table[batch.lead_steps - 1])
                found.append(batch.change)
            return found

    whole = batches()
    halves = [batches(rank=rank, world=2) for rank in range(2)]
    for one, *parts in zip(whole, *halves, strict=True):
        assert torch.equal(one, torch.cat(parts))
    assert Mixture([windows], batch_size=6, seed=2).batch(0).change is None


def test_augmentations_take_the_change_along(tmp_path: Path) -> None:
    names = ("density", "velocity_x", "velocity_y")
    flow = open_store(tiny_store(tmp_path, shape=(8, 8), fields=names))
    windows = Windows(flow, flow.samples("train"), history=2, max_lead=1)

    def batch_after(*parts: object) -> torch.Tensor:
        mixture = Mixture(
            [windows],
            batch_size=64,
            seed=2,
            with_change=True,
            augment=Chain(parts),  # type: ignore[arg-type]
        )
        change = mixture.batch(0).change
        assert change is not None
        return change[:, 0]

    table = mean_change(windows)[0]
    assert len(set(table.tolist())) == 3
    kept = batch_after(*(AUGMENTATIONS[name]().build() for name in ("flip", "roll", "noise")))
    assert torch.equal(kept, table.expand(64, 3))
    turned = batch_after(AUGMENTATIONS["rotate"]().build())
    swapped = turned[:, 1] != table[1]
    assert 16 < swapped.sum() < 48
    assert torch.equal(turned[swapped], table[[0, 2, 1]].expand(int(swapped.sum()), 3))
    assert torch.equal(turned[~swapped], table.expand(int((~swapped).sum()), 3))
    scaled = batch_after(RandomScale(1.0)) / table
    plain = Mixture([windows], batch_size=64, seed=2).batch(0)
    again = Mixture([windows], batch_size=64, seed=2, augment=RandomScale(1.0)).batch(0)
    factors = (again.history / plain.history).flatten(3).mean((1, 3))
    torch.testing.assert_close(scaled, factors)
