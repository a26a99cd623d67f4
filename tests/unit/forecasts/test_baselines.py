"""Persistence, linear extrapolation, and what short histories leave of the others."""

import pytest
import torch

from matey_core.forecasts import FORECASTS
from tests.unit.forecasts.stencils import batch_of


def test_linear_continues_the_last_change() -> None:
    times = torch.arange(4.0).view(1, 4, 1, 1) ** 2
    history = times + torch.tensor([0.0, 7.0]).view(1, 1, 2, 1).expand(1, 1, 2, 5)
    values = FORECASTS["linear"]().build()(batch_of(history, (1, 3))).values
    torch.testing.assert_close(values[0, :, 0, 0], torch.tensor([9.0 + 5, 9.0 + 15]))
    torch.testing.assert_close(values[0, :, 1, 0], torch.tensor([16.0 + 5, 16.0 + 15]))


def test_persistence_repeats_the_last_frame() -> None:
    history = torch.randn(2, 3, 1, 6, 5, generator=torch.Generator().manual_seed(0))
    values = FORECASTS["persistence"]().build()(batch_of(history, (1, 9))).values
    assert torch.equal(values, history[:, -1:].expand(-1, 2, -1, -1, -1))


@pytest.mark.parametrize("name", FORECASTS.names())
def test_a_single_frame_is_repeated(name: str) -> None:
    history = torch.randn(2, 1, 1, 6, 5, generator=torch.Generator().manual_seed(0))
    values = FORECASTS[name]().build()(batch_of(history, (1, 2))).values
    assert torch.equal(values, history.expand(-1, 2, -1, -1, -1))
