"""What holds for whatever may change while fine-tuning."""

import pytest
import torch

from matey_core.finetuning import FINETUNING, FinetuneModeConfig, count_parameters
from matey_core.models import Model
from matey_core.training import build_optimizer
from tests.training import tiny_model

TRAINED = {
    "full": {"stem", "head", "fields", "attention"},
    "frozen_attention": {"stem", "head", "fields"},
    "head_only": {"head"},
    "layerwise": {"stem", "head", "fields", "attention"},
}


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    return tiny_model().build(fields=("u", "v"), num_axes=(1, 2))


@pytest.mark.parametrize("name", FINETUNING.names())
def test_it_decides_about_every_parameter(model: Model, name: str) -> None:
    for start in (True, False):
        model.requires_grad_(start)
        FinetuneModeConfig.choose(name).prepare(model)
        counts = count_parameters(model)
        assert counts.num_trained > 0
        assert counts.num_trained + counts.num_frozen == sum(p.numel() for p in model.parameters())
        assert set(counts.trained) == TRAINED.get(name, set(counts.trained))


@pytest.mark.parametrize("name", FINETUNING.names())
def test_an_optimizer_step_moves_nothing_that_is_frozen(model: Model, name: str) -> None:
    mode = FinetuneModeConfig.choose(name)
    mode.prepare(model)
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    build_optimizer(
        model,
        learning_rate=0.1,
        weight_decay=0.1,
        rate_of=lambda parameter: mode.rate_of(model, parameter),
    ).step()
    for key, value in model.named_parameters():
        assert torch.equal(value, before[key]) is not value.requires_grad
