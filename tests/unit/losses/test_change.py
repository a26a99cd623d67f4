"""Errors in units of the change: number by number, with constants of the store and without."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import LOSSES
from tests.formula import batch_of, spec_of

CHANGE = LOSSES["change"]().build()
NRMSE = LOSSES["nrmse"]().build()


def off_by(batch: FieldBatch, error: float) -> Prediction:
    assert batch.targets is not None
    return Prediction(spec=batch.spec, values=batch.targets + error, lead_steps=batch.lead_steps)


def of_frames(last: torch.Tensor, target: torch.Tensor, before: torch.Tensor) -> FieldBatch:
    """One sample of one field: two frames, and a target."""
    return FieldBatch(
        spec=spec_of(tuple(last.shape), fields=1),
        history=torch.stack([before, last])[None, :, None],
        lead_steps=torch.ones(1, 1, dtype=torch.long),
        targets=target[None, None, None],
    )


def test_errors_are_divided_by_what_the_batch_says() -> None:
    batch = batch_of(spec_of((6, 7)), leads=2)
    change = 0.5 + torch.arange(12.0).reshape(3, 2, 2)
    measured = replace(batch, change=change)
    loss = CHANGE(off_by(measured, 0.3), measured)
    assert loss.total.item() == pytest.approx((0.3 / change).mean().item(), rel=1e-5)
    assert loss.parts["squared"].item() == pytest.approx(
        (0.3 / change).square().mean().item(), rel=1e-5
    )


def test_a_field_that_never_is_anything_adds_nothing() -> None:
    batch = batch_of(spec_of((6, 7)))
    change = torch.tensor([2.0, 0.0]).expand(3, 1, 2)
    measured = replace(batch, change=change)
    prediction = off_by(measured, 1.0)
    prediction.values.requires_grad_()
    total = CHANGE(prediction, measured).total
    total.backward()
    assert total.item() == pytest.approx(0.25, rel=1e-5)
    assert prediction.values.grad is not None
    assert prediction.values.grad[:, :, 1].abs().max() == 0


def test_without_constants_a_window_is_measured_by_its_own_change() -> None:
    batch = batch_of(spec_of((6, 7)), leads=2)
    assert batch.targets is not None
    own = (batch.targets - batch.history[:, -1:]).square().mean((3, 4)).sqrt()
    expected = (0.3 / own).mean().item()
    assert CHANGE(off_by(batch, 0.3), batch).total.item() == pytest.approx(expected, rel=1e-5)
    persistence = Prediction(
        spec=batch.spec,
        values=batch.history[:, -1:].expand_as(batch.targets),
        lead_steps=batch.lead_steps,
    )
    assert CHANGE(persistence, batch).total.item() == pytest.approx(1, rel=1e-5)


def test_a_window_that_stands_still_is_measured_by_a_hundredth_of_its_spread() -> None:
    wave = 300 + torch.sin(torch.arange(16.0))
    still = of_frames(wave, wave, wave)
    expected = 0.3 / (0.01 * wave.std(correction=0).item())
    assert CHANGE(off_by(still, 0.3), still).total.item() == pytest.approx(expected, rel=1e-3)
    constant = torch.full((16,), 300.0)
    flat = of_frames(constant, constant, constant)
    loss = CHANGE(off_by(flat, 3e-4), flat).total.item()
    assert loss == pytest.approx(1, rel=0.1)
    nothing = of_frames(0 * wave, 0 * wave, 0 * wave)
    assert CHANGE(off_by(nothing, 0.3), nothing).total == 0


def test_a_large_mean_takes_no_weight_away() -> None:
    """Persistence costs 1 on any mean; with `nrmse`, a thousandth of what it costs around 0."""
    phase = torch.arange(64.0) / 4
    frames = [torch.sin(phase - 0.1 * k) for k in range(3)]
    losses = {}
    for mean in (0.0, 300.0):
        before, last, target = (0.5 * frame + mean for frame in frames)
        batch = of_frames(last, target, before)
        persistence = Prediction(
            spec=batch.spec, values=batch.history[:, -1:], lead_steps=batch.lead_steps
        )
        losses[mean] = [loss(persistence, batch).total.item() for loss in (CHANGE, NRMSE)]
    assert losses[0.0] == pytest.approx([1, 0.1], rel=0.02)
    assert losses[300.0] == pytest.approx([1, 0.1 * 0.5**0.5 * 0.5 / 300], rel=0.02)


@pytest.mark.parametrize("name", ["nrmse", "change"])
@pytest.mark.parametrize("with_change", [False, True])
@pytest.mark.parametrize("unit", [2.0**-60, 2.0**66, 2.0**100])
def test_units_change_no_bit(name: str, with_change: bool, unit: float) -> None:
    """Squares of values above 2e19 overflow float32: the loss was NaN there."""
    batch = batch_of(spec_of((6, 7)), leads=2)
    assert batch.targets is not None
    if with_change:
        batch = replace(batch, change=torch.full((3, 2, 2), 0.7))
    values = batch.targets + 0.1 * torch.sin(9 * batch.targets)
    loss = LOSSES[name]().build()

    def total(unit: float) -> float:
        scaled = replace(
            batch,
            history=batch.history * unit,
            targets=None if batch.targets is None else batch.targets * unit,
            change=None if batch.change is None else batch.change * unit,
        )
        prediction = Prediction(spec=batch.spec, values=values * unit, lead_steps=batch.lead_steps)
        return loss(prediction, scaled).total.item()

    assert np.isfinite(total(unit))
    assert total(unit) == total(1.0)


def test_masked_windows_are_measured_where_they_are_known() -> None:
    batch = batch_of(spec_of((6, 7)))
    assert batch.targets is not None
    valid = torch.rand(batch.targets.shape, generator=torch.Generator().manual_seed(1)) > 0.5
    masked = replace(batch, valid=valid)
    values = batch.targets + 0.3 * torch.sin(7 * batch.targets)
    prediction = Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)
    ratios = []
    for sample, field in np.ndindex(3, 2):
        known = valid[sample, 0, field]
        error = (values - batch.targets)[sample, 0, field][known]
        change = (batch.targets - batch.history[:, -1:])[sample, 0, field][known]
        ratios.append((error.square().mean() / change.square().mean()).sqrt().item())
    assert CHANGE(prediction, masked).total.item() == pytest.approx(np.mean(ratios), rel=1e-5)
