"""Limits of a rollout: what explodes stays, what is within them is not changed by a bit."""

import math

import pytest
import torch
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.data import FieldRange, Ranges
from matey_core.inference import Limited, Limiter, first_limited, rollout
from tests.unit.inference.recurrence import Recurrence, spec

MARGIN = 1.25


def ranges(**changes: float) -> Ranges:
    """What a decaying wave of amplitude 1 showed of `u`; of `v` nothing is known."""
    values = {"deviation": math.sqrt(0.5), "lowest": 0.0, "highest": 0.0, "growth": 1.0}
    return {"": {"u": FieldRange(**(values | changes))}}


def wave(*shape: int, amplitude: float = 1.0, mean: float = 0.0) -> Tensor:
    """(c, *space) one wave along the first axis, of both fields alike."""
    phase = 2 * torch.pi * torch.arange(shape[0]) / shape[0]
    line = amplitude * torch.sin(phase) + mean
    return line.reshape(-1, *[1] * (len(shape) - 1)).expand(2, *shape).clone()


def batch_of(*frames: Tensor) -> FieldBatch:
    """A batch of one sample."""
    history = torch.stack(frames)[None]
    return FieldBatch(
        spec=spec(*history.shape[3:]),
        history=history,
        lead_steps=torch.ones(1, 1, dtype=torch.int64),
    )


def spread(states: Tensor) -> Tensor:
    return states.flatten(1).std(1, correction=0)


@pytest.mark.parametrize("shape", [(16,), (16, 3), (8, 2, 3)])
@pytest.mark.parametrize("stride", [1, 3])
def test_an_exploding_model_stays_and_is_never_much_worse_than_what_needs_no_training(
    shape: tuple[int, ...], stride: int
) -> None:
    decay = 0.97
    frames = [wave(*shape, amplitude=decay**step) for step in range(203)]
    batch = batch_of(*frames[:3])
    limiter = Limiter(batch, ranges())
    states = list(rollout(Recurrence(2, 0), batch, steps=200, stride=stride, limiter=limiter))
    u = torch.stack([state[0, 0] for state in states])
    assert u.isfinite().all()
    assert spread(u).max() <= MARGIN * math.sqrt(0.5) * (1 + 1e-5)
    truth = torch.stack([frame[0] for frame in frames[3:]])
    size = [each.square().flatten(1).mean(1).sqrt() for each in (u - truth, frames[2][0] - truth)]
    larger = torch.maximum(size[1], spread(truth))  # persistence, and the mean state
    assert (size[0] <= 1.5 * larger).all()
    plain = list(rollout(Recurrence(2, 0), batch, steps=200, stride=stride))
    assert not plain[-1].isfinite().all()
    assert first_limited(limiter.first, batch.spec.names) == (
        Limited(field="u", lead=1, samples=1),
    )


def test_what_is_within_the_limits_is_not_changed_by_a_bit() -> None:
    generator = torch.Generator().manual_seed(0)
    batch = batch_of(*torch.randn(3, 2, 9, 7, generator=generator))
    known = {
        "": {name: FieldRange(deviation=2.0, lowest=0.0, highest=0.0, growth=1.0) for name in "uv"}
    }
    limiter = Limiter(batch, known)
    limited = list(rollout(Recurrence(1.1, -0.3), batch, steps=30, limiter=limiter))
    plain = list(rollout(Recurrence(1.1, -0.3), batch, steps=30))
    assert all(torch.equal(a, b) for a, b in zip(limited, plain, strict=True))
    assert first_limited(limiter.first, batch.spec.names) == ()


@pytest.mark.parametrize("is_first", [True, False])
def test_a_mean_that_runs_away_is_held(is_first: bool) -> None:
    start = wave(16, amplitude=0.1, mean=1.0)
    batch, deviation = batch_of(start, start), 0.1 * math.sqrt(0.5)
    seen = ranges(deviation=deviation, lowest=0.9, highest=1.1)
    limiter, before = Limiter(batch, seen, is_first=is_first), batch.history[:, -1]
    means = []
    for _ in range(50):
        before = limiter((before + 0.05)[:, None], before)[:, 0]
        means.append(float(before[0, 0].mean()))
    nearest = 1.0 if is_first else 1.1
    assert means[0] == pytest.approx(1.05)
    assert max(means) <= nearest + MARGIN * deviation + 1e-6
    departure = (before[0, 0] - nearest).square().mean().sqrt()
    assert float(departure) == pytest.approx(MARGIN * deviation, rel=1e-4)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_frame_that_is_not_finite_becomes_the_one_before(value: float) -> None:
    batch = batch_of(wave(8), wave(8))
    limiter = Limiter(batch, ranges())
    bad = 0.5 * batch.history[:, -1:]
    bad[0, 0, :, 3] = value
    (kept,) = limiter(bad, batch.history[:, -1])
    assert torch.equal(kept[0, 0], batch.history[0, -1, 0])
    assert torch.equal(kept[0, 1], bad[0, 0, 1]) or kept[0, 1].isnan().any()  # no store has v
    assert limiter.first.tolist() == [[1, 0]]


@pytest.mark.parametrize("size", [1e-20, 1.0, 1e20])
def test_units_do_not_matter(size: float) -> None:
    batch = batch_of(wave(16, amplitude=size), wave(16, amplitude=size))
    limiter = Limiter(batch, ranges(deviation=size / math.sqrt(2)))
    (kept,) = limiter(8 * batch.history[:, -1:], batch.history[:, -1])
    expected = MARGIN * batch.history[0, -1, 0]
    torch.testing.assert_close(kept[0, 0], expected, rtol=1e-5, atol=1e-6 * size)


def test_missing_points_do_not_count() -> None:
    batch = batch_of(wave(8), wave(8))
    missing = torch.zeros(1, 2, 8, dtype=torch.bool)
    missing[..., 4:] = True
    limiter = Limiter(batch, ranges(deviation=1.0), missing=missing)
    states = batch.history[:, -1:].clone()
    states[..., 4:] = torch.nan
    assert torch.equal(limiter(states, batch.history[:, -1])[..., :4], states[..., :4])
    assert not limiter.first.any()
    states[..., :4] *= 10
    kept = limiter(states, batch.history[:, -1])[0, 0, 0, :4]
    start = batch.history[0, -1, 0, :4]
    departure = (kept - start.mean()).square().mean().sqrt()
    assert float(departure) == pytest.approx(MARGIN * float(start.std(correction=0)), rel=1e-5)


def test_elsewhere_a_field_may_grow_as_it_did_in_training() -> None:
    seen = {"other": {"u": FieldRange(deviation=9.0, lowest=-1.0, highest=1.0, growth=4.0)}}
    batch = batch_of(wave(16), wave(16))
    limiter = Limiter(batch, seen)
    start = float(batch.history[0, 0, 0].std(correction=0))
    assert float(limiter.limit[0, 0]) == pytest.approx(MARGIN * 4 * start)
    assert float(limiter.limit[0, 1]) == math.inf
    states = batch.history[:, -1:] * 4.9
    assert torch.equal(limiter(states, batch.history[:, -1]), states)
    kept = limiter(states * 2, batch.history[:, -1])[0, 0]
    assert float(kept[0].std(correction=0)) == pytest.approx(5 * start, rel=1e-5)
    assert torch.equal(kept[1], 2 * states[0, 0, 1])


@pytest.mark.parametrize("growth", [1.0, math.inf])
def test_what_grows_from_rest_is_not_limited(growth: float) -> None:
    """Where training began at rest, or the history does, nothing can be said."""
    amplitude = 0.0 if growth == 1 else 1e-4
    seen = {"other": {"u": FieldRange(deviation=1.0, lowest=0.0, highest=0.0, growth=growth)}}
    batch = batch_of(*[wave(16, amplitude=amplitude)] * 2)
    limiter = Limiter(batch, seen)
    states = wave(16, amplitude=100)[None, None]
    assert torch.equal(limiter(states, batch.history[:, -1]), states)


def test_a_start_wider_than_training_widens_the_limit() -> None:
    batch = batch_of(wave(16, amplitude=2, mean=4), wave(16, amplitude=3, mean=5))
    limiter = Limiter(batch, ranges(growth=math.inf))
    states = wave(16, amplitude=3.6, mean=5)[None, None]
    assert torch.equal(limiter(states, batch.history[:, -1]), states)


def test_growth_counts_from_the_first_frames_only() -> None:
    batch = batch_of(*[wave(16, amplitude=0.1)] * 2)
    first, later = (Limiter(batch, ranges(), is_first=is_first) for is_first in (True, False))
    assert float(first.limit[0, 0]) == pytest.approx(MARGIN * 0.1 * math.sqrt(0.5))
    assert float(later.limit[0, 0]) == pytest.approx(MARGIN * math.sqrt(0.5))


def test_samples_are_limited_one_by_one() -> None:
    one = batch_of(wave(16), wave(16))
    history = torch.cat([one.history, 0.5 * one.history])
    batch = FieldBatch(
        spec=one.spec, history=history, lead_steps=torch.ones(2, 1, dtype=torch.int64)
    )
    limiter = Limiter(batch, ranges(growth=9.0))
    states = 2 * history[:, -1:]
    kept = limiter(states, history[:, -1])
    torch.testing.assert_close(kept[0, 0, 0], MARGIN * history[0, -1, 0])
    assert torch.equal(kept[1], states[1])
    assert first_limited(limiter.first, ("u", "v")) == (Limited(field="u", lead=1, samples=1),)
