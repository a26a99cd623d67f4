"""How widely fields of a store spread, against NumPy."""

import math

import numpy as np
import pytest

from matey_core.data import FieldRange, Windows, joined_ranges, measure_ranges
from matey_core.store import Store, open_store
from tests.support import advected, tiny_store

FRAMES = 12
VALUES = advected((4, 6), samples=5, frames=FRAMES, fields=2).astype(np.float64)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("ranges")
    return open_store(tiny_store(folder, shape=(4, 6), samples=5, frames=FRAMES))


def test_all_frames_of_training_trajectories_count(store: Store) -> None:
    samples = [0, 2, 3]
    found = measure_ranges(Windows(store, samples, history=3, max_lead=2))
    values = VALUES[samples]
    for channel, name in enumerate(store.spec.names):
        deviation = values[:, :, channel].std((2, 3))
        means = values[:, :, channel].mean((2, 3))
        each = found[name]
        assert each.deviation == pytest.approx(deviation.max(), rel=1e-6)
        assert each.lowest == pytest.approx(means.min(), rel=1e-6, abs=1e-7)
        assert each.highest == pytest.approx(means.max(), rel=1e-6, abs=1e-7)
        departure = np.hypot(deviation, means - means[:, 2:3])[:, 2:]
        growth = (departure / deviation[:, 2:3]).max()
        assert each.growth == pytest.approx(growth, rel=1e-5)


class Drawn(Store):
    """A store whose frames are made when they are read, and counted."""

    def read(self, sample: int, start: int, stop: int) -> np.ndarray:
        values = np.empty((stop - start, 2, 4, 6), np.float32)
        self.read_into(values, sample, start, stop)
        return values

    def announce(self, wanted: object) -> None:
        pass

    def read_into(self, out: np.ndarray, sample: int, start: int, stop: int) -> None:
        noise = np.random.default_rng(0).normal(size=out.shape[2:])
        self.reads.extend((sample, frame) for frame in range(start, stop))  # type: ignore[attr-defined]
        for row, frame in enumerate(range(start, stop)):
            out[row, 0] = 7.0 + frame * (sample + 1) * noise  # from rest
            out[row, 1] = 3.0
            out[row, 1, 0] = np.nan


def drawn(store: Store) -> Drawn:
    values = {name: getattr(store, name) for name in store.__dataclass_fields__}
    made = Drawn(**values)
    object.__setattr__(made, "reads", [])
    return made


def test_fields_from_rest_and_constants(store: Store) -> None:
    made = drawn(store)
    found = measure_ranges(Windows(made, [0, 1], history=1, max_lead=2))
    moving, still = (found[name] for name in made.spec.names)
    noise = np.random.default_rng(0).normal(size=(4, 6))
    assert moving.growth == math.inf
    assert moving.deviation == pytest.approx(11 * 2 * noise.std(), rel=1e-5)
    assert (still.lowest, still.highest, still.growth) == (3.0, 3.0, 1.0)
    assert still.deviation == pytest.approx(3e-6)  # what rounding makes of it


@pytest.mark.parametrize("num_windows", [1, 2, 4, 8])
def test_reads_are_bounded_and_reach_the_end(store: Store, num_windows: int) -> None:
    made = drawn(store)
    windows = Windows(made, range(5), history=2, max_lead=2)
    measure_ranges(windows, num_windows=num_windows)
    reads: list[tuple[int, int]] = made.reads  # type: ignore[attr-defined]
    assert len(reads) <= num_windows * 2 + min(num_windows, 5) * (2 + 1)
    assert len({sample for sample, _ in reads}) == min(num_windows, 5)
    assert max(frame for _, frame in reads) == FRAMES - 1


def test_the_wider_of_two_stores_of_one_name_counts() -> None:
    one = FieldRange(deviation=1.0, lowest=-1.0, highest=0.0, growth=3.0)
    other = FieldRange(deviation=2.0, lowest=0.0, highest=0.5, growth=2.0)
    found = joined_ranges({"a": {"u": one}}, {"a": {"u": other, "v": one}, "b": {"u": other}})
    assert found == {
        "a": {"u": FieldRange(deviation=2.0, lowest=-1.0, highest=0.5, growth=3.0), "v": one},
        "b": {"u": other},
    }
