"""What holds for whatever way the model is called for a loss."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import ConfigError
from matey_core.fields import Field
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives import OBJECTIVES, ObjectiveConfig, within
from matey_core.objectives.one_step import OneStepConfig
from tests.formula import batch_of, spec_of

NAMES = OBJECTIVES.names()
PAIRED = ("contrastive",)
"""Those that compare samples of a batch with each other."""
KNOWING = ("contrastive", "residual")
"""Those that know the equation."""
SETTINGS: dict[str, dict[str, object]] = {
    "coefficient": {"parameters": ["nu"]},
    "weighted": {"terms": [{"objective": "one_step"}, {"objective": "binary", "weight": 0.3}]},
}


def settings_of(name: str) -> ObjectiveConfig:
    """The smallest settings of an objective."""
    return ObjectiveConfig.choose({"name": name, **SETTINGS.get(name, {})})


class Decay(nn.Module):
    """Multiplies the last frame by one learned number a step."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))
        self.calls = 0

    def forward(self, batch: FieldBatch) -> Prediction:
        self.calls += 1
        steps = batch.lead_steps.view(batch.size, -1, 1, *[1] * batch.spec.grid.num_axes)
        return Prediction(
            spec=batch.spec,
            values=self.factor**steps * batch.history[:, -1:],
            lead_steps=batch.lead_steps,
        )


def batch_for(name: str, *, lead: int, progress: float) -> FieldBatch:
    """A batch of 4 samples with the targets that the objective asks for."""
    leads = settings_of(name).lead_steps(lead, progress=progress)
    batch = batch_of(spec_of((8, 8)), samples=4, leads=len(leads))
    given = {"nu": torch.tensor([0.1, 0.2, 0.4, 0.8])}
    batch = replace(batch, lead_steps=torch.tensor([leads] * 4), given=given)
    if name not in KNOWING:
        return batch
    spec = replace(spec_of((8, 8), fields=1), fields=(Field(name="temperature"),))
    assert batch.targets is not None
    history, targets = batch.history[:, :, :1], batch.targets[:, :, :1]
    return replace(batch, spec=spec, history=history, targets=targets)


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_the_targets_asked_for_are_within_the_frames_that_are_there(
    name: str, progress: float
) -> None:
    config = settings_of(name)
    leads = [config.lead_steps(lead, progress=progress) for lead in (1, 2, 5)]
    assert len({len(each) for each in leads}) == 1
    for lead, steps in zip((1, 2, 5), leads, strict=True):
        assert 1 <= min(steps) <= max(steps) <= lead + config.extra_frames


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", sorted(set(NAMES) - set(PAIRED)))
def test_a_batch_has_the_mean_of_its_halves_and_a_gradient(name: str, progress: float) -> None:
    objective, model = settings_of(name).build(relative_mse), Decay()
    batch = batch_for(name, lead=2, progress=progress)
    whole = objective(model, batch)
    whole.total.backward()
    assert model.factor.grad is not None
    assert model.factor.grad != 0
    calls = model.calls
    halves = [objective(model, batch.select(part)) for part in (slice(0, 2), slice(2, 4))]
    assert model.calls == 3 * calls
    mean = sum(half.loss.total for half in halves) / 2
    torch.testing.assert_close(mean, whole.loss.total)
    torch.testing.assert_close(whole.total, whole.loss.total)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(KNOWING)))
def test_targets_that_are_not_known_do_not_matter(name: str) -> None:
    objective, model = settings_of(name).build(relative_mse), Decay()
    batch = batch_for(name, lead=1, progress=1.0)
    assert batch.targets is not None
    valid = torch.ones_like(batch.targets, dtype=torch.bool)
    valid[:, :, 0, 2:5] = False
    filled = batch.targets.where(valid, 0.25)
    total = objective(model, replace(batch, targets=filled, valid=valid)).total
    total.backward()
    assert torch.isfinite(total)
    assert model.factor.grad is not None
    assert torch.isfinite(model.factor.grad)


@pytest.mark.parametrize("name", KNOWING)
def test_an_equation_is_not_known_next_to_cells_that_are_missing(name: str) -> None:
    batch = batch_for(name, lead=1, progress=0.0)
    assert batch.targets is not None
    holed = replace(batch, valid=batch.targets > 0)
    with pytest.raises(ConfigError, match="missing cells, next to which the equation heat_2d"):
        OBJECTIVES[name]().build(relative_mse)(Decay(), holed)


def test_one_step_is_one_call_with_the_side_loss_added() -> None:
    batch = batch_for("one_step", lead=1, progress=0.0)
    model = Decay()

    def predict(each: FieldBatch) -> Prediction:
        return replace(model(each), side_loss=torch.tensor(7.0))

    value = OneStepConfig().build(relative_mse)(predict, batch)
    assert model.calls == 1
    assert value.loss.total == relative_mse(model(batch), batch).total
    assert value.total == value.loss.total + 7


def test_every_call_is_within_the_settings_and_the_loss_is_not() -> None:
    batch = batch_for("one_step", lead=1, progress=0.0)
    seen: list[bool] = []

    def loss(prediction: Prediction, batch: FieldBatch) -> object:
        seen.append(torch.is_autocast_enabled("cpu"))
        return relative_mse(prediction, batch)

    def model(each: FieldBatch) -> Prediction:
        seen.append(torch.is_autocast_enabled("cpu"))
        return Decay()(each)

    predict = within(model, [lambda batch: torch.autocast("cpu", torch.bfloat16)])
    OneStepConfig().build(loss)(predict, batch)  # type: ignore[arg-type]
    assert seen == [True, False]


def test_a_fixed_future_is_one_call_whatever_lead_is_drawn() -> None:
    config = OBJECTIVES["fixed_future"].model_validate({"ahead": 3})
    assert [config.lead_steps(lead, progress=0.5) for lead in (1, 4)] == [(3,), (3,)]
    assert config.extra_frames == 2
    batch = replace(batch_of(spec_of((8, 8)), samples=4), lead_steps=torch.full((4, 1), 3))
    model = Decay()
    value = config.build(relative_mse)(model, batch)
    assert model.calls == 1
    torch.testing.assert_close(value.prediction.values, 0.5**3 * batch.history[:, -1:])
