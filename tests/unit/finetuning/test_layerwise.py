"""Rates of parts and of blocks."""

import pytest
import torch

from matey_core.finetuning.layerwise import LayerwiseConfig
from matey_core.models import Model
from matey_core.optimizers import set_rate
from matey_core.optimizers.adamw import AdamwConfig
from tests.training import tiny_model


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    return tiny_model().build(fields=("u",), num_axes=(2,))


def test_a_block_has_a_fraction_of_the_next_ones_rate(model: Model) -> None:
    mode = LayerwiseConfig(attention=0.4, stem=0.3, decay=0.5)
    mode.prepare(model)
    rates = {name: mode.rate_of(model, name) for name, _ in model.named_parameters()}
    for name, rate in rates.items():
        expected = {"stem": 0.3, "head": 1.0, "fields": 1.0}.get(model.part_of(name), 0.1)
        for block, value in (("processor.blocks.0.", 0.2), ("processor.blocks.1.", 0.4)):
            expected = value if name.startswith(block) else expected
        assert rate == pytest.approx(expected), name
    assert {0.1, 0.2, 0.4} <= {round(rate, 9) for rate in rates.values()}


def test_a_step_is_as_long_as_its_rate_says(model: Model) -> None:
    mode = LayerwiseConfig(attention=0.25, head=0.0)
    mode.prepare(model)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = AdamwConfig(learning_rate=1.0, weight_decay=0.0).build(
        model, rate_of=lambda name: mode.rate_of(model, name)
    )
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    assert set_rate(optimizer, 0.01) == 0.01
    optimizer.step()
    for name, value in model.named_parameters():
        factor = {"attention": 0.25, "head": 0.0}.get(model.part_of(name), 1.0)
        # The first step of Adam is the learning rate, whatever the gradient.
        torch.testing.assert_close(
            before[name] - value, torch.full_like(value, 0.01 * factor), rtol=1e-4, atol=1e-6
        )
