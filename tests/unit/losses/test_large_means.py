"""A field on a large mean, or in other units, teaches a model as much as one around zero."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.losses import LOSSES
from tests.formula import batch_of, spec_of, tiny_model


def slopes(name: str, mean: float, unit: float, *, with_change: bool = True) -> torch.Tensor:
    """Gradient of every weight, for one field of smooth waves, in one row."""
    batch = batch_of(spec_of((16, 16), fields=1), frames=4)
    phase = torch.arange(16.0) / 16 * 2 * torch.pi
    frames = torch.stack(
        [torch.sin(phase[:, None] - 0.3 * t) + torch.cos(2 * phase + 0.2 * t) for t in range(5)]
    )
    waves = 0.5 * unit * frames[None, :, None].expand(3, -1, -1, -1, -1) + mean
    change = 0.2 * unit * torch.ones(3, 1, 1)
    moved: FieldBatch = replace(
        batch,
        history=waves[:, :4],
        targets=waves[:, 4:],
        lead_steps=torch.ones(3, 1, dtype=torch.long),
        change=change if with_change else None,
    )
    model = tiny_model(fields=1).train()
    LOSSES[name]().build()(model(moved), moved).total.backward()
    return torch.cat([part.grad.flatten() for part in model.parameters() if part.grad is not None])


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return ((one - other).norm() / other.norm()).item()


@pytest.mark.parametrize("with_change", [False, True])
def test_kelvin_teaches_what_celsius_teaches(with_change: bool) -> None:
    around_zero = slopes("change", 0.0, 1.0, with_change=with_change)
    assert distance(slopes("change", 300.0, 1.0, with_change=with_change), around_zero) < 1e-3


def test_with_nrmse_a_large_mean_teaches_next_to_nothing() -> None:
    """Of 300 K ± 0.5 K, a six-hundredth of what the same waves around zero teach."""
    ratio = slopes("nrmse", 300.0, 1.0).norm() / slopes("nrmse", 0.0, 1.0).norm()
    assert ratio.item() == pytest.approx(0.5 / 300, rel=0.3)


@pytest.mark.parametrize("name", ["nrmse", "change"])
@pytest.mark.parametrize("unit", [1e-20, 1e20, 1e30])
def test_any_unit_teaches_the_same(name: str, unit: float) -> None:
    """Gradients were NaN: squares overflow from 2e19 on, and vanish from 1e-20 down."""
    found = slopes(name, 0.0, unit)
    assert found.isfinite().all()
    assert distance(found, slopes(name, 0.0, 1.0)) < 1e-3
