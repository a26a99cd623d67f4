"""Losses over known cells, cell by cell in NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.inference import fill_missing
from matey_core.losses import LOSSES
from tests.formula import batch_of, spec_of, tiny_model


def masked_batch() -> tuple[Prediction, FieldBatch]:
    """Three samples, two leads, two fields; of one field of one sample nothing is known."""
    batch = batch_of(spec_of((6, 7)), leads=2)
    assert batch.targets is not None
    valid = torch.rand(batch.targets.shape, generator=torch.Generator().manual_seed(1)) > 0.5
    valid[1, :, 0] = False
    values = batch.targets + 0.3 * torch.sin(7 * batch.targets)
    targets = batch.targets.clone()
    targets[2, 0, 1] = 0  # vanished: its error is compared with the history
    masked = FieldBatch(
        spec=batch.spec,
        history=batch.history,
        lead_steps=batch.lead_steps,
        targets=targets,
        valid=valid,
    )
    return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps), masked


def relative(
    prediction: Prediction, batch: FieldBatch, *, epsilon: float, floor: float
) -> list[list[float]]:
    """(sample) lists of ⟨(p − t)²⟩ / max(ε + ⟨t²⟩, floor ⟨u²⟩) over known cells."""
    assert batch.targets is not None
    assert batch.valid is not None
    p, t, u = (part.double().numpy() for part in (prediction.values, batch.targets, batch.history))
    valid = batch.valid.numpy()
    rows = []
    for sample in range(len(p)):
        row = []
        for lead, field in np.ndindex(*p.shape[1:3]):
            known = valid[sample, lead, field]
            if not known.any():
                continue
            error = np.mean((p - t)[sample, lead, field][known] ** 2)
            size = epsilon + np.mean(t[sample, lead, field][known] ** 2)
            history = np.mean(u[sample, :, field][:, known] ** 2)
            row.append(error / max(size, floor * history))
        rows.append(row)
    return rows


def test_nrmse() -> None:
    prediction, batch = masked_batch()
    ratios = relative(prediction, batch, epsilon=0.0, floor=1e-4)
    loss = LOSSES["nrmse"]().build()(prediction, batch)
    expected = np.mean([np.mean(np.sqrt(row)) for row in ratios])
    assert [len(row) for row in ratios] == [4, 2, 4]
    assert loss.total.item() == pytest.approx(expected, rel=1e-5)
    squares = np.mean([np.mean(row) for row in ratios])
    assert loss.parts["relative_mse"].item() == pytest.approx(squares, rel=1e-5)


def test_relative_mse() -> None:
    prediction, batch = masked_batch()
    ratios = relative(prediction, batch, epsilon=1e-7, floor=0.0)
    loss = LOSSES["relative_mse"]().build()(prediction, batch)
    assert loss.total.item() == pytest.approx(np.mean([np.mean(row) for row in ratios]), rel=1e-5)
    roots = np.mean([np.mean(np.sqrt(row)) for row in ratios])
    assert loss.parts["nrmse"].item() == pytest.approx(roots, rel=1e-5)


@pytest.mark.parametrize("shape", [(16,), (16, 16)])
@pytest.mark.parametrize("name", LOSSES.names())
def test_a_model_learns_around_missing_cells_from_finite_slopes(
    name: str, shape: tuple[int, ...]
) -> None:
    batch = batch_of(spec_of(shape))
    assert batch.targets is not None
    history = batch.history.clone()
    history[0, :, 0] = torch.nan  # a field of which nothing is known
    history[1, :, 1, :7] = torch.nan  # something solid
    history[2, :, :, 3:] = torch.nan
    filled, missing = fill_missing(history)
    assert missing is not None
    valid = ~missing[:, None]
    model = tiny_model()

    def slopes(under_the_mask: float) -> list[torch.Tensor]:
        targets = torch.where(valid, batch.targets, under_the_mask)
        masked = replace(batch, history=filled, targets=targets, valid=valid)
        model.zero_grad()
        loss = LOSSES[name]().build()(model(masked), masked)
        assert loss.total > 0
        loss.total.backward()
        return [part.grad.clone() for part in model.parameters() if part.grad is not None]

    first, second = slopes(0.0), slopes(1e30)
    assert all(slope.isfinite().all() for slope in first)
    assert any(slope.abs().max() > 0 for slope in first)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
