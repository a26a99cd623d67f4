"""A history in another order: which, and what is asked of it."""

import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives.time_sort import TimeSortConfig
from tests.formula import batch_of, spec_of


def test_frames_are_shown_in_many_orders_and_the_last_one_is_asked_for() -> None:
    batch = batch_of(spec_of((16, 12)), samples=40)
    times = batch.history.shape[1]
    seen: list[FieldBatch] = []

    def last_known(each: FieldBatch) -> Prediction:
        seen.append(each)
        values = batch.history[:, -1:]
        return Prediction(spec=each.spec, values=values, lead_steps=each.lead_steps)

    value = TimeSortConfig().build(relative_mse)(last_known, batch)
    assert value.total == 0
    (shown,) = seen
    same = (shown.history.unsqueeze(2) == batch.history.unsqueeze(1)).flatten(3).all(3)
    assert (same.sum(1) == 1).all()
    # Each frame is the last one in 40 / t of 40 samples, give or take 3.
    lasts = same[:, -1].float().mean(0)
    assert torch.allclose(lasts, torch.full((times,), 1 / times), atol=0.25)
