"""Numbers of single metrics, by hand and from the published implementation."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.metrics import METRICS, persistence


def sine(amplitude: float, offset: float) -> torch.Tensor:
    points = torch.arange(64, dtype=torch.float64) * (2 * math.pi / 64)
    return (offset + amplitude * points.sin()).reshape(1, 1, 1, 64)


def test_nrmse_of_a_wave() -> None:
    # ⟨(a sin)²⟩ = a²/2; ⟨(o + a sin)²⟩ = o² + a²/2.
    value = METRICS["nrmse"](sine(2.5, 3.0), sine(2.0, 3.0)).item()
    assert value == pytest.approx(math.sqrt(0.125 / 11), rel=1e-12)


def test_vrmse_of_a_wave() -> None:
    value = METRICS["vrmse"](sine(2.5, 3.0), sine(2.0, 3.0)).item()
    assert value == pytest.approx(0.25, rel=1e-12)


def test_nrmse_of_nothing_and_vrmse_of_the_mean_are_one() -> None:
    target = sine(2.0, 3.0)
    assert METRICS["nrmse"](torch.zeros_like(target), target).item() == 1
    mean = torch.full_like(target, 3.0)
    assert METRICS["vrmse"](mean, target).item() == pytest.approx(1, rel=1e-12)


def test_vrmse_keeps_its_value_on_a_large_background() -> None:
    ripple = torch.linspace(-1, 1, 64).reshape(1, 1, 1, 64)
    target = 65536 + (ripple * 64).round() / 64
    value = METRICS["vrmse"](target + 1 / 64, target).item()
    spread = (target.double() - 65536).std(correction=0).item()
    assert value == pytest.approx(1 / 64 / spread, rel=1e-6)


def test_constant_target_has_no_variance_but_has_a_norm() -> None:
    target = torch.full((1, 1, 1, 10, 10), 0.1)
    assert METRICS["vrmse"](target + 0.1, target).item() == math.inf
    assert METRICS["nrmse"](target + 0.1, target).item() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("case", ["plain2d", "plain3d"])
def test_nrmse_equals_the_published_validation_value(reference: Path, case: str) -> None:
    with np.load(reference / "nrmse_loss.npz", allow_pickle=False) as file:
        prediction, target = (torch.tensor(file[f"{case}/{key}"]) for key in ("pred", "target"))
        expected = float(file[f"{case}/eval_valid_nrmse"].item())
    value = METRICS["nrmse"](prediction[:, None], target[:, None]).mean().item()
    # The published value adds 1e-7 to ⟨t²⟩, which is of order 1 here.
    assert value == pytest.approx(expected, rel=1e-6)


def test_persistence_repeats_the_last_frame() -> None:
    spec = FieldSpec(
        fields=(Field(name="u"),),
        grid=Grid(axes=("x",), shape=(4,), spacing=(1.0,), boundary=("periodic",)),
        time_step=1.0,
    )
    history = torch.arange(24.0).reshape(2, 3, 1, 4)
    batch = FieldBatch(spec=spec, history=history, lead_steps=torch.tensor([[1, 5], [2, 9]]))
    repeated = persistence(batch)
    assert repeated.shape == (2, 2, 1, 4)
    assert torch.equal(repeated[:, 0], history[:, 2])
    assert torch.equal(repeated[:, 1], history[:, 2])


def test_masked_values_equal_numpys_over_the_list_of_known_cells() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(5, 2, (2, 1, 2, 7, 9)).astype(np.float32)
    prediction = target + rng.normal(0, 0.1, target.shape).astype(np.float32)
    valid = rng.random(target.shape) > 0.3
    tensors = [torch.from_numpy(part) for part in (prediction, target, valid)]
    nrmse, vrmse = METRICS["nrmse"](*tensors), METRICS["vrmse"](*tensors)
    for index in np.ndindex(2, 1, 2):
        p, t = (part[index][valid[index]].astype(np.float64) for part in (prediction, target))
        error = np.mean((p - t) ** 2)
        assert nrmse[index].item() == pytest.approx(np.sqrt(error / np.mean(t**2)), rel=1e-12)
        assert vrmse[index].item() == pytest.approx(np.sqrt(error / np.var(t)), rel=1e-12)
