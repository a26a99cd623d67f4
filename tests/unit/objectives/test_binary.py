"""Histories whose frames are shuffled, or not: half of each, and what saying so is worth."""

import math

import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives.binary import BinaryConfig, half_shuffled
from tests.formula import batch_of, spec_of
from tests.unit.objectives.test_tiles import told


@pytest.mark.parametrize("frames", [2, 4])
def test_half_of_the_histories_have_another_order_and_it_follows_from_the_window(
    frames: int,
) -> None:
    batch = batch_of(spec_of((16, 12)), samples=200, frames=frames)
    history, is_shuffled = half_shuffled(batch)
    assert is_shuffled.mean() == pytest.approx(0.5, abs=0.11)  # three times √(0.25 / 200)
    is_other = (history != batch.history).flatten(1).any(1)
    assert torch.equal(is_other, is_shuffled.bool())
    same = (history.unsqueeze(2) == batch.history.unsqueeze(1)).flatten(3).all(3)
    assert (same.sum(1) == 1).all()
    few, which = half_shuffled(batch.select(slice(7, 60)))
    assert torch.equal(few, history[7:60])
    assert torch.equal(which, is_shuffled[7:60])


def test_who_knows_has_no_loss_and_who_does_not_look_has_log_2() -> None:
    batch = batch_of(spec_of((8, 8)), samples=20, frames=4)
    objective = BinaryConfig().build(relative_mse)

    def knows(each: FieldBatch) -> Prediction:
        is_other = (each.history[:, :, :2] != batch.history).flatten(1).any(1)
        sure = torch.where(is_other, 30.0, -30.0).view(-1, 1, 1, 1)
        bumps = torch.linspace(-1, 1, 64).view(8, 8)  # the mean over the grid counts
        return told(each, sure + bumps)

    assert objective(knows, batch).total < 1e-9
    silent = objective(lambda each: told(each, torch.zeros(20, 1, 8, 8)), batch)
    assert silent.total.item() == pytest.approx(math.log(2), abs=1e-5)
