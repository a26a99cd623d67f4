"""From initial states to frames, for every simulator."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.simulators import Batch, Sample, Simulator

MAX_STEPS = 100_000
"""Steps between two frames after which a solution is given up."""


def collate(samples: Sequence[Sample], dtype: torch.dtype, device: torch.device | str) -> Batch:
    """Put samples side by side.

    Args:
        samples: at least one; all of one simulator.
        dtype: of the arithmetic.
        device: where to compute.
    """
    states = torch.stack([sample.state for sample in samples]).to(device, dtype)
    shape = (len(samples), *(1,) * (states.ndim - 2))
    parameters = {
        name: torch.tensor([sample.parameters[name] for sample in samples], dtype=torch.float64)
        .reshape(shape)
        .to(device, dtype)
        for name in samples[0].parameters
    }
    static = [sample.static for sample in samples if sample.static is not None]
    return Batch(
        states=states,
        parameters=parameters,
        static=torch.stack(static).to(device, dtype) if static else None,
    )


def frames(simulator: Simulator, batch: Batch) -> Iterator[Float[Tensor, "b k *points"]]:
    """Yield the states of a batch at every frame, the start first.

    Each sample takes its own steps: one that has reached the frame waits for the others.

    Args:
        simulator: what to step.
        batch: initial states; their dtype and device are kept.
    """
    states = batch.states
    times = simulator.times
    yield states
    usual = simulator.spec.time_step
    for interval in np.diff(times).tolist():
        # Rounding must not make an interval of its own, for which a step is compiled anew.
        interval = usual if math.isclose(interval, usual, rel_tol=1e-9) else interval
        states = _advance(simulator, states, interval, batch)
        yield states


def _advance(
    simulator: Simulator, states: Float[Tensor, "b k *points"], interval: float, batch: Batch
) -> Float[Tensor, "b k *points"]:
    """Step a batch over the time between two frames."""
    limit = simulator.stable_step(states, batch)
    if isinstance(limit, Tensor):
        return _advance_each(simulator, states, interval, batch, limit)
    steps = max(1, math.ceil(interval / limit - 1e-9))
    for _ in range(steps):
        states = simulator.step(states, interval / steps, batch)
    return states


def _advance_each(
    simulator: Simulator,
    states: Float[Tensor, "b k *points"],
    interval: float,
    batch: Batch,
    limit: Float[Tensor, " b"],
) -> Float[Tensor, "b k *points"]:
    """Step each sample by what is stable for it, until all have reached the frame.

    Once a quarter of those that were stepped are there, the others go on without them.
    """
    shape = (-1, *(1,) * (states.ndim - 1))
    left = torch.full(limit.shape, interval, dtype=torch.float64, device=states.device)
    arrived, rows = states, torch.arange(len(states), device=states.device)
    for _ in range(MAX_STEPS):
        # What is left is shared equally, so that no step is tiny.
        dt = left / torch.ceil(left / limit.double() - 1e-9).clamp(min=1)
        failed = ~(limit > 0)
        dt = torch.where(failed, 0.0, dt)
        left = torch.where(failed, 0.0, left - dt).clamp(min=0)
        left = torch.where(left < 1e-12 * interval, 0.0, left)
        states = simulator.step(states, dt.to(states.dtype).view(shape), batch)
        states = torch.where(failed.view(shape), torch.nan, states)
        going = left.nonzero()[:, 0]
        if 4 * len(going) <= 3 * len(states):
            arrived = arrived.index_copy(0, rows, states)
            if not len(going):
                return arrived
            states, left, rows = states[going], left[going], rows[going]
            batch = _select(batch, going)
        limit = torch.as_tensor(simulator.stable_step(states, batch))
    states = torch.where((left > 0).view(shape), torch.nan, states)
    return arrived.index_copy(0, rows, states)


def _select(batch: Batch, rows: Int[Tensor, " n"]) -> Batch:
    """Some samples of a batch."""
    return Batch(
        states=batch.states[rows],
        parameters={name: value[rows] for name, value in batch.parameters.items()},
        static=None if batch.static is None else batch.static[rows],
    )
