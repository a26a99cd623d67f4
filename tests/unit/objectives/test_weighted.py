"""Several objectives: the sum of their losses, and which of them go together."""

import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives import ObjectiveConfig
from matey_core.runs.settings import TrainingConfig
from tests.formula import batch_of, spec_of


def weighted(*terms: object) -> ObjectiveConfig:
    section = {"objective": {"name": "weighted", "terms": list(terms)}}
    return validate(TrainingConfig, section, source="test").objective


def test_the_loss_is_the_weighted_sum_and_each_term_is_reported() -> None:
    config = weighted(
        {"objective": {"name": "masked", "ratio": 0.25}, "weight": 2.0},
        {"objective": "one_step"},
        {"objective": "binary", "weight": 0.5},
    ).knowing(())
    assert config.answers == ("_answer:binary",)
    assert config.predicts_states
    batch = batch_of(spec_of((8, 8)), samples=4)

    def still(each: FieldBatch) -> Prediction:
        values = each.history[:, -1:] * 1.5
        side = torch.tensor(0.25)
        return Prediction(spec=each.spec, values=values, lead_steps=each.lead_steps, side_loss=side)

    value = config.build(relative_mse)(still, batch)
    masked = ObjectiveConfig.choose({"name": "masked", "ratio": 0.25})
    alone = [
        each.build(relative_mse)(still, batch).loss.total
        for each in (masked, *map(ObjectiveConfig.choose, ("one_step", "binary")))
    ]
    assert value.loss.parts == {"1.masked": alone[0], "2.one_step": alone[1], "3.binary": alone[2]}
    torch.testing.assert_close(value.loss.total, 2 * alone[0] + alone[1] + alone[2] / 2)
    torch.testing.assert_close(value.total, value.loss.total + 3.5 * 0.25)


def test_terms_that_predict_other_frames_are_refused() -> None:
    with pytest.raises(ConfigError, match="other frames cannot be weighted: one_step and pushf"):
        weighted({"objective": "one_step"}, {"objective": "pushforward"})
    config = weighted({"objective": "binary"}, {"objective": {"name": "fixed_future", "ahead": 3}})
    assert config.lead_steps(1, progress=0.5) == (3,)
    assert config.extra_frames == 2
    assert not weighted({"objective": "binary"}, {"objective": "jigsaw"}).predicts_states
