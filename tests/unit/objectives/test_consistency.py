"""Two ways to one state: a semigroup has none apart, and others are drawn together."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import Loss
from matey_core.objectives.consistency import ConsistencyConfig
from tests.formula import batch_of, spec_of

LEAD, X = 3, 2.0


class Powers(nn.Module):
    """a^(l^p) · u with u the last frame: a semigroup in the lead time l only where p = 1."""

    def __init__(self, power: float) -> None:
        super().__init__()
        self.power = power
        self.factor = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, batch: FieldBatch) -> Prediction:
        steps = batch.lead_steps.view(-1, 1, 1, 1).double() ** self.power
        values = self.factor**steps * batch.history[:, -1:]
        return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)


def difference(prediction: Prediction, batch: FieldBatch) -> Loss:
    """The mean of answer minus target, so that slopes can be written down."""
    assert batch.targets is not None
    total = (prediction.values - batch.targets).mean()
    return Loss(total=total, parts={"twice": 2 * total.detach()})


def window(config: ConsistencyConfig) -> FieldBatch:
    leads = config.lead_steps(LEAD, progress=1.0)
    batch = batch_of(spec_of((4,), fields=1), samples=1, leads=len(leads))
    return replace(
        batch,
        history=torch.full_like(batch.history, X).double(),
        targets=torch.zeros(1, len(leads), 1, 4, dtype=torch.float64),
        lead_steps=torch.tensor([leads]),
    )


@pytest.mark.parametrize(("power", "is_semigroup"), [(1.0, True), (0.5, False)])
def test_a_semigroup_has_one_way(power: float, is_semigroup: bool) -> None:
    config = ConsistencyConfig()
    value = config.build(difference)(Powers(power), window(config))
    assert (abs(float(value.loss.parts["apart"])) < 1e-12) == is_semigroup


def test_the_value_and_its_slope_are_those_written_down() -> None:
    config, model, a = ConsistencyConfig(weight=0.5), Powers(0.5), 0.5
    value = config.build(difference)(model, window(config))
    near, leap, straight = a, a ** (LEAD**0.5), a**2.0
    answers = (near + near * leap + straight) / 3
    apart = straight - near * leap
    assert float(value.total.detach()) == pytest.approx(X * (answers + 0.5 * apart))
    assert float(value.loss.parts["twice"]) == pytest.approx(2 * X * answers)
    value.total.backward()  # through the last call of each way, and not into what it is drawn to
    slopes = (1, near * LEAD**0.5 * a ** (LEAD**0.5 - 1), 2 * a)
    assert model.factor.grad is not None
    assert float(model.factor.grad) == pytest.approx(X * (sum(slopes) / 3 + 0.5 * slopes[2]))


def test_what_a_model_minimizes_beside_the_loss_is_averaged_over_its_calls() -> None:
    config, model = ConsistencyConfig(), Powers(1.0)
    given = iter([1.0, 2.0, 6.0])

    def predict(batch: FieldBatch) -> Prediction:
        return replace(model(batch), side_loss=torch.tensor(next(given)))

    value = config.build(difference)(predict, window(config))
    assert float((value.total - value.loss.total).detach()) == pytest.approx(3.0)


def test_a_window_needs_one_frame_more() -> None:
    config = ConsistencyConfig()
    assert config.extra_frames == 1
    assert config.lead_steps(4, progress=0.0) == (1, 5)
