"""Losses and learning rates are those of the published implementation."""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.losses import LOSSES
from matey_core.schedules.warmup_cosine import WarmupCosine


def case(
    prediction: torch.Tensor, target: torch.Tensor, history: torch.Tensor | None = None
) -> tuple[Prediction, FieldBatch]:
    """Put (b, c, *space) arrays into the types of the doors."""
    shape = tuple(target.shape[2:])
    spec = FieldSpec(
        fields=tuple(Field(name=f"f{index}") for index in range(target.shape[1])),
        grid=Grid(
            axes=("z", "y", "x")[-len(shape) :],
            shape=shape,
            spacing=(1.0,) * len(shape),
            boundary=("periodic",) * len(shape),
        ),
        time_step=1.0,
    )
    leads = torch.ones(len(target), 1, dtype=torch.long)
    known = target if history is None else history
    batch = FieldBatch(spec=spec, history=known[:, None], lead_steps=leads, targets=target[:, None])
    return Prediction(spec=spec, values=prediction[:, None], lead_steps=leads), batch


@pytest.mark.parametrize("name", ["plain2d", "plain3d", "tiny_targets", "zero_target"])
def test_relative_mse_is_the_published_loss(reference: Path, name: str) -> None:
    values = np.load(reference / "nrmse_loss.npz")
    prediction, batch = case(
        torch.from_numpy(values[f"{name}/pred"]), torch.from_numpy(values[f"{name}/target"])
    )
    loss = LOSSES["relative_mse"]().build()(prediction, batch)
    torch.testing.assert_close(
        loss.total, torch.tensor(float(values[f"{name}/accum1/loss"])), rtol=1e-5, atol=0
    )
    torch.testing.assert_close(
        loss.parts["nrmse"],
        torch.tensor(float(values[f"{name}/accum1/log_nrmse"])),
        rtol=1e-5,
        atol=0,
    )


@pytest.mark.parametrize("name", ["plain2d", "plain3d"])
def test_nrmse_is_the_published_one_where_the_added_constant_does_not_count(
    reference: Path, name: str
) -> None:
    values = np.load(reference / "nrmse_loss.npz")
    prediction, batch = case(
        torch.from_numpy(values[f"{name}/pred"]), torch.from_numpy(values[f"{name}/target"])
    )
    loss = LOSSES["nrmse"]().build()(prediction, batch)
    expected = torch.tensor(float(values[f"{name}/accum1/log_nrmse"]))
    torch.testing.assert_close(loss.total, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["a", "b"])
def test_learning_rate_is_the_published_one(reference: Path, name: str) -> None:
    values = np.load(reference / "misc.npz")
    settings = values[f"lr/{name}/peak_warmup_epochs_epochsize_accum"]
    expected = values[f"lr/{name}/lr_per_optimizer_step"]
    peak, warmup, epochs, epoch_size, accumulated = settings.tolist()
    schedule = WarmupCosine(warmup=int(warmup), steps=int(epochs * epoch_size // accumulated))
    rates = [peak * schedule(step) for step in range(len(expected))]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)
