"""The first frame of a rollout is blended, and nothing else is."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.forecasts import Blend
from matey_core.inference import FITTING, FirstFrame, from_known, measure_blends, rollout
from tests.unit.forecasts.stencils import batch_of, heat, march, smooth
from tests.unit.inference.recurrence import Recurrence

ALWAYS = Blend(most=1.0, tolerated=float("inf"))
HALF = Blend(most=0.5, tolerated=float("inf"))


def truth() -> torch.Tensor:
    return march(smooth((16, 16), samples=6), heat, 7)


def still(**blends: Blend) -> Recurrence:
    model = Recurrence(1.0, 0.0).eval()
    model.blends = {"": blends}
    return model


def at(frames: torch.Tensor, leads: tuple[int, ...] = (1,)) -> FieldBatch:
    return batch_of(frames[:, :4], leads)


@torch.inference_mode()
def test_a_field_with_a_blend_takes_from_the_fit() -> None:
    frames = truth()
    values = from_known(still(u=ALWAYS), at(frames))
    torch.testing.assert_close(values[:, 0, 0], frames[:, 4, 0], rtol=0, atol=1e-5)
    assert torch.equal(values[:, 0, 1], frames[:, 3, 1])
    half = from_known(still(u=HALF), at(frames))
    expected = (frames[:, 3, 0] + frames[:, 4, 0]) / 2
    torch.testing.assert_close(half[:, 0, 0], expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_later_leads_other_datasets_and_single_frames_are_the_models_own() -> None:
    frames = truth()
    values = from_known(still(u=ALWAYS), at(frames, (1, 2)))
    assert torch.equal(values[:, 1, 0], frames[:, 3, 0])
    batch = at(frames)
    other = replace(batch, spec=replace(batch.spec, dataset="another"))
    assert torch.equal(from_known(still(u=ALWAYS), other)[:, 0], frames[:, 3])
    single = batch_of(frames[:, 3:4].repeat_interleave(1, 1))
    model = Recurrence(1.0, 0.0).eval()
    plain = model(batch).values
    assert torch.equal(from_known(model, batch), plain)
    assert single.history.shape[1] == 1
    with pytest.raises(IndexError):  # the model itself needs two frames, and is asked first
        from_known(still(u=ALWAYS), single)


def test_frames_that_follow_are_the_models_own() -> None:
    frames = truth()
    states = list(rollout(still(u=ALWAYS), at(frames), steps=3))
    torch.testing.assert_close(states[0][:, 0], frames[:, 4, 0], rtol=0, atol=1e-5)
    assert torch.equal(states[1], states[0])
    assert torch.equal(states[2], states[0])


@torch.inference_mode()
def test_a_sample_alone_equals_the_sample_in_its_batch() -> None:
    frames = truth()
    together = from_known(still(u=HALF), at(frames))
    alone = from_known(still(u=HALF), at(frames[2:3]))
    torch.testing.assert_close(together[2:3], alone, rtol=0, atol=1e-6)


def test_blends_are_chosen_by_truth() -> None:
    frames = truth()
    batch = replace(at(frames), targets=frames[:, 4:5])
    fits = [FirstFrame.of(FITTING.fit(batch))]
    assert set(measure_blends(still(), [batch], fits)) == {"u", "v"}
    perfect = replace(batch, targets=frames[:, 3:4])  # what the model says
    assert measure_blends(still(), [perfect], fits) == {}


@torch.inference_mode()
def test_missing_cells_keep_what_the_model_says() -> None:
    frames = truth()
    known = torch.ones(6, 2, 16, 16, dtype=torch.bool)
    known[:, :, 3:6, 3:6] = False
    batch = batch_of(frames[:, :4].masked_fill(~known[:, None], 0.0), known=known)
    values = from_known(still(u=HALF), batch)
    assert values.isfinite().all()
    assert torch.equal(values[:, 0, 0][~known[:, 0]], batch.history[:, -1, 0][~known[:, 0]])
