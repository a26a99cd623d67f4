"""What rounding leaves on a field that stands still is nothing to a model."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.models import MODELS, AdaptiveConfig, Model
from tests.formula import NAMES, batch_of, fill_by_formula, spec_of, tiny_model

WAVE = torch.sin(torch.arange(16.0) / 3)[:, None] + torch.cos(torch.arange(16.0) / 2)


PLAIN = [name for name in MODELS.names() if not issubclass(MODELS[name], AdaptiveConfig)]


def model_of(name: str) -> Model:
    if name == "matey":
        return tiny_model()
    size = MODELS[name]() if name in ("fno", "unet") else MODELS[name].tiny()
    model = size.build(fields=NAMES[:2], num_axes=(2,))
    fill_by_formula(model)
    return model


def noisy(values: torch.Tensor) -> torch.Tensor:
    """Half of the values one unit in the last place higher."""
    up = torch.nextafter(values, torch.full_like(values, torch.inf))
    chosen = torch.rand(values.shape, generator=torch.Generator().manual_seed(5)) < 0.5
    return torch.where(chosen, up, values)


def with_field(values: torch.Tensor) -> FieldBatch:
    """A batch whose first field is this one at all times."""
    batch = batch_of(spec_of((16, 16)), frames=4)
    history = batch.history.clone()
    history[:, :, 0] = values
    return replace(batch, history=history)


def increments(model: Model, batch: FieldBatch, channel: int) -> torch.Tensor:
    with torch.no_grad():
        return model(batch).values[:, 0, channel] - batch.history[:, -1, channel]


@pytest.mark.parametrize("name", ["matey", *PLAIN])
@pytest.mark.parametrize("value", [1.0, 300.0])
def test_noise_on_a_uniform_field_moves_no_other(name: str, value: float) -> None:
    """The increments of the other field moved by 20 to 32 %."""
    model = model_of(name)
    still = with_field(torch.full((3, 4, 16, 16), value))
    moving = replace(still, history=noisy(still.history))
    moving.history[:, :, 1] = still.history[:, :, 1]
    assert torch.equal(increments(model, moving, 1), increments(model, still, 1))
    drift = increments(model, moving, 0).abs().max().item()
    assert drift <= 2.5e-7 * value


@pytest.mark.parametrize("name", ["matey", *PLAIN])
def test_noise_on_a_steady_field_on_a_large_mean_hardly_moves_another(name: str) -> None:
    """300 K ± 0.01 K: one rounding is 0.3 % of the spread, and was scaled up to a whole change."""
    model = model_of(name)
    still = with_field((300 + 0.01 * WAVE).expand(3, 4, 16, 16))
    moving = replace(still, history=noisy(still.history))
    moving.history[:, :, 1] = still.history[:, :, 1]
    before, after = increments(model, still, 1), increments(model, moving, 1)
    relative = ((after - before).square().mean() / before.square().mean()).sqrt().item()
    assert relative < 0.03
