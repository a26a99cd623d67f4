"""Files in other units, or on another mean, teach a model the same: from the file to the loss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.data.change import mean_change
from matey_core.data.windows import Windows
from matey_core.losses import LOSSES
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.formula import tiny_model


def waves(phase: float) -> np.ndarray:
    """Waves that wander, (sample, time, y, x), around zero."""
    sample, time, y, x = np.meshgrid(*map(np.arange, (3, 8, 16, 16)), indexing="ij")
    turn = 2 * np.pi / 16
    return np.sin(turn * ((1 + sample) * x - 0.5 * time) + phase) + np.cos(turn * y)


def slopes(folder: Path, unit: float, mean: float) -> torch.Tensor:
    """Gradients of all weights with the default loss, for a file with a field in such units."""
    folder.mkdir()
    field = (unit * (waves(0.0) + mean)).astype("f4")
    flow = waves(1.0).astype("f4")
    np.savez(folder / "a.npz", density=field, velocity_x=flow)
    config = PrepareConfig(
        reader="array",
        source=folder / "a.npz",
        dims=("sample", "time", "y", "x"),
        boundary=("periodic",),
        workers=1,
        check=False,
    )
    (row,) = prepare(config).rows
    windows = Windows(open_store(row.store), [0, 1, 2], history=4, max_lead=1)
    batch = windows.batch([0, 4, 8], [[1]] * 3)
    change = mean_change(windows)[batch.lead_steps - 1]
    batch = replace(batch, change=change)
    model = tiny_model(fields=2).train()
    LOSSES["change"]().build()(model(batch), batch).total.backward()
    return torch.cat([part.grad.flatten() for part in model.parameters() if part.grad is not None])


@pytest.mark.parametrize(
    ("unit", "mean"), [(1e20, 3.0), (1e15, 3.0), (1e-20, 3.0), (1e-24, 3.0), (1.0, 300.0)]
)
def test_the_default_loss_sees_neither_units_nor_means(
    tmp_path: Path, unit: float, mean: float
) -> None:
    expected = slopes(tmp_path / "plain", 1.0, 3.0)
    found = slopes(tmp_path / "other", unit, mean)
    assert expected.norm() > 0
    assert ((found - expected).norm() / expected.norm()).item() < 2e-3
