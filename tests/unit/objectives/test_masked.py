"""Hidden patches: which, what stands in them, and what counts."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives.masked import MaskedConfig, hidden_cells
from tests.formula import batch_of, spec_of


def shown_to_the_model(batch: FieldBatch, **settings: object) -> FieldBatch:
    """What the objective gives the model of a batch."""
    seen: list[FieldBatch] = []

    def predict(each: FieldBatch) -> Prediction:
        seen.append(each)
        return Prediction(spec=each.spec, values=each.history[:, -1:], lead_steps=each.lead_steps)

    MaskedConfig.model_validate(settings).build(relative_mse)(predict, batch)
    return seen[0]


@pytest.mark.parametrize(
    ("shape", "patches", "expected"),
    [((32,), 8, 6), ((16, 12), 12, 9), ((8, 8, 8), 8, 6), ((18,), 5, 4), ((2,), 2, 1)],
)
def test_a_fraction_of_the_patches_is_hidden_as_wholes(
    shape: tuple[int, ...], patches: int, expected: int
) -> None:
    hidden = hidden_cells(batch_of(spec_of(shape), samples=5), 0.75, 4)
    for axis, points in enumerate(shape, start=1):
        side = min(4, -(-points // 2))
        hidden = hidden.index_select(axis, torch.arange(0, points, side))
    assert hidden[0].numel() == patches
    assert hidden.flatten(1).sum(1).tolist() == [expected] * 5


def test_the_same_window_hides_the_same_and_others_hide_others() -> None:
    batch = batch_of(spec_of((32, 32)), samples=40)
    hidden = hidden_cells(batch, 0.5, 4)
    assert torch.equal(hidden_cells(batch.select(slice(7, 9)), 0.5, 4), hidden[7:9])
    later = replace(batch, lead_steps=batch.lead_steps + 1)
    assert (hidden_cells(later, 0.5, 4) != hidden).flatten(1).any(1).all()
    # Each of 64 patches is hidden in 20 of 40 samples, give or take 3.2.
    share = hidden[:, ::4, ::4].float().mean(0)
    assert share.min() > 0.2
    assert share.max() < 0.8
    assert share.std() == pytest.approx(0.079, abs=0.03)


def test_hidden_cells_hold_the_mean_of_those_that_are_seen_at_all_times() -> None:
    batch = batch_of(spec_of((16, 16)))
    hidden = hidden_cells(batch, 0.5, 4)
    history = shown_to_the_model(batch).history
    for sample in range(3):
        for field in range(2):
            before, after = batch.history[sample, :, field], history[sample, :, field]
            seen = ~hidden[sample]
            assert torch.equal(after[:, seen], before[:, seen])
            mean = before[:, seen].mean().expand(after[:, hidden[sample]].shape)
            torch.testing.assert_close(after[:, hidden[sample]], mean)


def test_hidden_cells_alone_count() -> None:
    batch = batch_of(spec_of((16, 16)))
    assert batch.targets is not None
    hidden = hidden_cells(batch, 0.5, 4)[:, None, None]
    objective = MaskedConfig().build(relative_mse)

    def total(wrong: torch.Tensor) -> float:
        values = batch.targets + wrong
        prediction = Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)
        return float(objective(lambda _: prediction, batch).total)

    assert total((~hidden).float()) == 0
    assert total(hidden.float()) > 0.1


def test_where_nothing_is_known_nothing_is_asked() -> None:
    batch = batch_of(spec_of((16, 16)))
    assert batch.targets is not None
    valid = ~hidden_cells(batch, 0.5, 4)[:, None, None].expand(batch.targets.shape)
    far_off = Prediction(spec=batch.spec, values=batch.targets + 9, lead_steps=batch.lead_steps)
    value = MaskedConfig().build(relative_mse)(lambda _: far_off, replace(batch, valid=valid))
    assert value.total == 0
