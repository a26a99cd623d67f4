"""Windows hold the right frames and stay inside their trajectory and split."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from hypothesis import given
from hypothesis import strategies as st

from matey_core.data import Windows, sequential_batches
from matey_core.errors import ConfigError, DataError
from matey_core.store import Store, open_store
from tests.support import advected, tiny_store

FRAMES = 12
VALUES = torch.from_numpy(advected((4, 6), samples=5, frames=FRAMES, fields=2))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("windows")
    return open_store(tiny_store(folder, shape=(4, 6), samples=5, frames=FRAMES))


def test_a_window_is_a_history_and_what_follows(store: Store) -> None:
    windows = Windows(store, (1, 3), history=4, max_lead=3)
    assert len(windows) == 2 * 6
    window = windows.window(7, [1, 3])
    assert torch.equal(window.history, VALUES[3, 1:5])
    assert torch.equal(window.targets, VALUES[3, [5, 7]])
    assert window.lead_steps.tolist() == [1, 3]
    assert window.history.dtype == torch.float32


@given(data=st.data())
def test_windows_never_leak(store: Store, data: st.DataObject) -> None:
    history = data.draw(st.integers(1, FRAMES - 1))
    max_lead, stride = data.draw(st.integers(1, 15)), data.draw(st.integers(1, 5))
    split = data.draw(st.sampled_from(("train", "validation", "test")))
    samples = store.samples(split)
    windows = Windows(store, samples, history=history, max_lead=max_lead, stride=stride)
    assert windows.max_lead == min(max_lead, FRAMES - history)
    index = data.draw(st.integers(0, len(windows) - 1))
    lead = data.draw(st.integers(1, windows.max_lead))
    sample, start = windows.place(index)
    window = windows.window(index, [lead])
    assert sample in samples
    assert start % stride == 0
    assert torch.equal(window.history, VALUES[sample, start : start + history])
    assert torch.equal(window.targets[0], VALUES[sample, start + history - 1 + lead])
    places = {windows.place(i) for i in range(len(windows))}
    assert len(places) == len(windows)


@given(data=st.data())
def test_steps_leave_frames_out(store: Store, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, 5))
    history = data.draw(st.integers(1, (FRAMES - 1) // step))
    windows = Windows(store, (2, 4), history=history, max_lead=9, step=step)
    leads = data.draw(st.lists(st.integers(1, windows.max_lead), min_size=1, max_size=4))
    index = data.draw(st.integers(0, len(windows) - 1))
    sample, start = windows.place(index)
    batch = windows.batch([index], [leads])
    frames = [start + step * number for number in range(history)]
    assert torch.equal(batch.history[0], VALUES[sample, frames])
    assert batch.targets is not None
    assert torch.equal(batch.targets[0], VALUES[sample, [frames[-1] + step * k for k in leads]])
    assert batch.spec.time_step == store.spec.time_step * step
    assert batch.valid is None
    # The last window's longest lead is the last frame that steps can reach.
    last = windows.place(len(windows) // 2 - 1)[1] + (history - 1 + windows.max_lead) * step
    assert last == FRAMES - 1


def test_a_batch_of_nothing_is_a_batch(store: Store) -> None:
    batch = Windows(store, (0,), history=3, max_lead=2).batch([], [])
    assert batch.size == 0
    assert batch.history.shape == (0, 3, 2, 4, 6)


def test_missing_values_are_filled_and_masked(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(4, 6), samples=3, frames=6)
    group = zarr.open_group(path, mode="r+")
    density = np.array(group["density"][:])
    density[:, :, 1, 2] = np.nan  # a solid cell
    density[1, 1, 0, 0] = density[1, 4, 3, 3] = np.nan
    density[2, :5] = np.nan
    group["density"][:] = density
    described = json.loads((path / "zarr.json").read_text())
    described["attributes"]["fields"][0]["missing"] = int(np.isnan(density).sum())
    (path / "zarr.json").write_text(json.dumps(described))
    windows = Windows(open_store(path), (0, 1, 2), history=3, max_lead=2)
    batch = windows.batch([1, 3, 4], [[1, 2], [1, 2], [1, 2]])
    assert batch.targets is not None
    assert batch.valid is not None
    for row, (sample, start) in enumerate([(0, 1), (1, 1), (2, 0)]):
        known = density[sample, start : start + 3].astype(np.float64)
        mean = 0.0 if sample == 2 else np.nanmean(known)
        filled = np.where(np.isnan(known), mean, known)
        np.testing.assert_allclose(batch.history[row, :, 0], filled, rtol=1e-6)
        future = density[sample, start + 3 : start + 5]
        expected = np.where(np.isnan(future), mean, future)
        np.testing.assert_allclose(batch.targets[row, :, 0], expected, rtol=1e-6)
        np.testing.assert_array_equal(batch.valid[row, :, 0], ~np.isnan(future))
    assert batch.valid[:, :, 1].all()
    assert batch.valid[1, 0, 0].sum() == 4 * 6 - 2


def test_unfit_windows_are_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Windows(store, (0,), history=0, max_lead=1)
    with pytest.raises(DataError, match="12 frames"):
        Windows(store, (0,), history=12, max_lead=1)
    windows = Windows(store, (0,), history=4, max_lead=2)
    for leads in ([], [0], [3]):
        with pytest.raises(ConfigError, match="1 to 2"):
            windows.window(0, leads)
    with pytest.raises(IndexError):
        windows.window(len(windows), [1])


def test_a_store_with_one_time_cannot_be_cut_into_windows(tmp_path: Path) -> None:
    still = open_store(tiny_store(tmp_path, samples=3, frames=1))
    assert still.is_static
    with pytest.raises(DataError) as caught:
        Windows(still, (0,), history=1, max_lead=1)
    assert "no time axis" in caught.value.remedy


def test_sequential_batches_visit_every_window_once(store: Store) -> None:
    windows = Windows(store, (0, 2), history=3, max_lead=2)
    batches = list(sequential_batches(windows, batch_size=7, lead_steps=(1, 2)))
    assert [batch.size for batch in batches] == [7, 7, 2]
    history = torch.cat([batch.history for batch in batches])
    expected = [VALUES[sample, start : start + 3] for sample in (0, 2) for start in range(8)]
    assert torch.equal(history, torch.stack(expected))
    assert batches[0].spec == store.spec
    assert batches[0].lead_steps.tolist() == [[1, 2]] * 7


def test_few_sequential_batches_are_spread_over_all_windows(store: Store) -> None:
    windows = Windows(store, (0, 1, 2, 3), history=3, max_lead=2)
    (batch,) = sequential_batches(windows, batch_size=4, lead_steps=(1,), num_windows=4)
    places = [windows.place(index) for index in (0, 10, 21, 31)]
    expected = torch.stack([VALUES[sample, start : start + 3] for sample, start in places])
    assert torch.equal(batch.history, expected)


@pytest.mark.parametrize(("number", "sizes"), [(5, [4, 1]), (3, [3]), (8, [4, 4]), (99, [4] * 8)])
def test_as_many_sequential_windows_as_asked_for_whatever_the_batch_size(
    store: Store, number: int, sizes: list[int]
) -> None:
    windows = Windows(store, (0, 1, 2, 3), history=3, max_lead=2)
    batches = list(sequential_batches(windows, batch_size=4, lead_steps=(1,), num_windows=number))
    assert [batch.size for batch in batches] == sizes
    whole = list(sequential_batches(windows, batch_size=32, lead_steps=(1,), num_windows=number))
    assert torch.equal(torch.cat([batch.history for batch in batches]), whole[0].history)


@given(data=st.data())
def test_frames_behind_the_largest_lead_have_targets_in_every_window(
    store: Store, data: st.DataObject
) -> None:
    extra = data.draw(st.integers(0, 4))
    history = data.draw(st.integers(1, FRAMES - extra - 1))
    windows = Windows(store, (1, 3), history=history, max_lead=3, extra_frames=extra)
    assert windows.max_lead == min(3, FRAMES - history - extra)
    assert windows.longest == windows.max_lead + extra
    assert windows.per_sample == FRAMES - history - windows.longest + 1
    index = data.draw(st.integers(0, len(windows) - 1))
    sample, start = windows.place(index)
    target = windows.window(index, [windows.longest]).targets[0]
    assert torch.equal(target, VALUES[sample, start + history - 1 + windows.longest])
    with pytest.raises(ConfigError, match="not all within"):
        windows.window(index, [windows.longest + 1])


@given(data=st.data())
def test_leads_that_are_available_use_every_window_that_has_a_next_frame(
    store: Store, data: st.DataObject
) -> None:
    extra, step = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 3))
    history = data.draw(st.integers(1, (FRAMES - 1) // step - extra))
    kinds = {"history": history, "max_lead": data.draw(st.integers(1, 15)), "step": step}
    kinds |= {"extra_frames": extra, "stride": data.draw(st.integers(1, 4))}
    windows = Windows(store, (1, 3), **kinds, leads="available")
    starts = range(0, FRAMES - (history + extra) * step, kinds["stride"])
    indices = np.arange(len(windows))
    places = [windows.place(index) for index in range(len(windows))]
    assert places == [(s, f) for s in (1, 3) for f in starts]
    for index, most in enumerate(windows.max_leads(indices).tolist()):
        sample, start = windows.place(index)
        last = start + (history - 1 + most + extra) * step
        assert last < FRAMES
        assert most == kinds["max_lead"] or last + step >= FRAMES
        target = windows.window(index, [most + extra]).targets[0]
        assert torch.equal(target, VALUES[sample, last])
        with pytest.raises(ConfigError, match=f"not all within 1 to {most + extra} steps"):
            windows.window(index, [most + extra + 1])
    whole = Windows(store, (1, 3), **kinds)
    assert whole.complete() is whole
    assert windows.complete().spec == whole.spec
    assert len(windows.complete()) == len(whole)
    assert set(whole.max_leads(np.arange(len(whole)))) == {whole.max_lead}


def test_too_few_frames_behind_a_history_are_refused(store: Store) -> None:
    with pytest.raises(DataError, match="a history of 10, 3 further frames and a target need 14"):
        Windows(store, (1,), history=10, max_lead=1, extra_frames=3)
