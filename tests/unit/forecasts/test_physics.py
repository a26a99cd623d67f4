"""Figures of the forecasts on flows that are not linear."""

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.fields import FieldSpec
from matey_core.forecasts import FORECASTS
from matey_core.metrics.nrmse import nrmse
from matey_core.simulators import SIMULATORS
from matey_core.simulators._integrate import collate


def trajectories(name: str, samples: int, **settings: object) -> tuple[FieldSpec, torch.Tensor]:
    """(b, t, c, *space) float32 of a solver."""
    simulator = SIMULATORS[name](**settings).build()
    starts = [simulator.sample(np.random.RandomState(seed)) for seed in range(samples)]
    problems = collate(starts, torch.float32, "cpu")
    states = [simulator.observe(state, problems).float() for state in simulator.frames(problems)]
    return simulator.spec, torch.stack(states, dim=1)


def one_step(spec: FieldSpec, frames: torch.Tensor, starts: range, **settings: object) -> float:
    """Mean nRMSE one step ahead of histories of four frames."""
    forecaster = FORECASTS["local_linear"].choose({"name": "local_linear", **settings}).build()
    errors = []
    for start in starts:
        batch = FieldBatch(
            spec=spec,
            history=frames[:, start : start + 4],
            lead_steps=torch.ones(len(frames), 1, dtype=torch.int64),
        )
        truth = frames[:, start + 4 : start + 5]
        errors.append(nrmse(forecaster(batch).values, truth).mean())
    return float(torch.stack(errors).mean())


def test_diffusion_reaction_is_nearly_linear_in_the_neighborhood() -> None:
    spec, frames = trajectories("diffusion_reaction", 2, grid=64)
    starts = range(2, 97, 10)
    assert one_step(spec, frames, starts, radius=1) == pytest.approx(4.1e-4, rel=0.2)
    assert one_step(spec, frames, starts, radius=2) == pytest.approx(2.6e-4, rel=0.2)


@pytest.mark.slow
def test_turbulence_is_halved_against_persistence() -> None:
    spec, frames = trajectories(
        "compressible_flow", 4, grid=64, start="turbulence", mach=0.5, eta=1e-8, zeta=1e-8
    )
    starts = range(0, 17, 4)
    assert one_step(spec, frames, starts, radius=1) == pytest.approx(0.107, rel=0.15)
    assert one_step(spec, frames, starts, radius=2) == pytest.approx(0.085, rel=0.15)
