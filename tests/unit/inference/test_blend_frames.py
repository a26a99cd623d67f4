"""How many frames of a rollout are blended: as validation data show, and all fields alike."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.forecasts import Blend
from matey_core.inference import measure_frames, rollout
from matey_core.models._blends import read_blends, write_blends
from tests.support import files_below
from tests.unit.forecasts.stencils import batch_of, heat, march, smooth
from tests.unit.inference.recurrence import Recurrence

ALWAYS = Blend(most=1.0, tolerated=math.inf)
BLENDS = {"u": ALWAYS, "v": ALWAYS}


def truth(frames: int = 16) -> torch.Tensor:
    return march(smooth((16, 16), samples=4), heat, frames)


def still(**blends: Blend) -> Recurrence:
    """A model that repeats the last frame."""
    model = Recurrence(1.0, 0.0).eval()
    model.blends = {"": blends}
    return model


def windows(frames: torch.Tensor) -> FieldBatch:
    """A history of four frames, and all others as targets."""
    leads = tuple(range(1, frames.shape[1] - 3))
    return replace(batch_of(frames[:, :4], leads), targets=frames[:, 4:])


@pytest.mark.parametrize(("follows", "expected"), [(12, math.inf), (8, math.inf), (5, 5)])
def test_all_frames_that_are_better_count(follows: int, expected: float, tmp_path: Path) -> None:
    found = measure_frames(still(), windows(truth(4 + follows)), BLENDS)
    assert found == {name: replace(ALWAYS, frames=expected) for name in ("u", "v")}
    # A resumed run writes what it has read, and its files are those of one that never stopped.
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    write_blends(first, {"store": found})
    write_blends(second, read_blends(first))
    assert files_below(first) == files_below(second)


def test_the_first_frame_that_is_worse_is_the_last_one() -> None:
    frames = truth()
    frames[:, 7:] = frames[:, 6:7]  # the equation ends after three predicted frames
    found = measure_frames(still(), windows(frames), BLENDS)
    assert {blend.frames for blend in found.values()} == {3}
    frames[:, 4:] = frames[:, 3:4]  # it has ended, but the first frame is decided elsewhere
    found = measure_frames(still(), windows(frames), BLENDS)
    assert {blend.frames for blend in found.values()} == {1}


def test_a_field_of_zeros_has_no_voice() -> None:
    frames = truth()
    frames[:, :, 1] = 0
    found = measure_frames(still(), windows(frames), BLENDS)
    assert {blend.frames for blend in found.values()} == {math.inf}


def test_a_model_is_left_as_it_was() -> None:
    model = still(u=ALWAYS).train()
    measure_frames(model, windows(truth()), BLENDS)
    assert model.training
    assert model.blends == {"": {"u": ALWAYS}}


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("frames", [1, 2, 3, math.inf])
def test_a_rollout_takes_so_many_frames_from_the_fit(frames: float, stride: int) -> None:
    true, blend = truth(9), replace(ALWAYS, frames=frames)
    batch = batch_of(true[:, :4])
    states = list(rollout(still(u=blend, v=blend), batch, steps=5, stride=stride))
    expected = list(true[:, 4:].unbind(1))
    for lead in range(5):
        if lead >= frames:  # the last frame that the model was shown
            shown = lead // stride * stride - 1
            expected[lead] = states[shown] if shown >= 0 else true[:, 3]
        torch.testing.assert_close(states[lead], expected[lead], rtol=0, atol=1e-5)


def test_fields_of_different_frames_do_not_mix() -> None:
    true = truth(9)
    model = still(u=replace(ALWAYS, frames=math.inf), v=ALWAYS)
    states = list(rollout(model, batch_of(true[:, :4]), steps=5))
    torch.testing.assert_close(states[4][:, 0], true[:, 8, 0], rtol=0, atol=1e-5)
    assert torch.equal(states[4][:, 1], states[0][:, 1])


def test_a_fit_that_grows_beyond_numbers_counts_no_more() -> None:
    growing = torch.full((2, 4, 2, 16, 16), 1.0) * 1e12 ** torch.arange(4.0).view(1, 4, 1, 1, 1)
    growing = growing * smooth((16, 16)).float()[:, None]
    model = still(u=replace(ALWAYS, frames=math.inf))
    *_, last = rollout(model, batch_of(growing), steps=8)
    assert last.isfinite().all()
