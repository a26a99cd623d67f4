"""Time, memory and parts of a training step, measured on the step itself."""

import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.models import Model
from matey_core.objectives import Objective, within
from matey_core.profiling.alternate import spread
from matey_core.profiling.clock import OTHER, PartClock
from matey_core.profiling.machine import peak_memory, reset_peak_memory, synchronize
from matey_core.profiling.parts import watched
from matey_core.rounding import subnormals_as_zero

PARTS = ("loader", "stem", "attention", "mlp", "blocks", "head", "model", "optimizer", OTHER)
"""Every `profile_part` that a module may name, and what no module stands for.

`blocks` are convolutions and spectral layers. `model` is what a model does outside its other parts:
it normalizes fields, adds increments, embeds the lead time and chooses cells. `other` is the loss,
the objective, and sums of gradients.
"""

FEWEST_STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """One step of training, in the pieces that are measured apart."""

    model: Model
    batches: Iterator[FieldBatch]
    objective: Objective
    optimizer: torch.optim.Optimizer
    device: torch.device
    dtype: torch.dtype = torch.float32
    """What matrix products are computed in; lower precision means autocast."""
    accumulate: int = 1
    """Equal parts of a batch that are computed one after another."""

    def forward(self, batch: FieldBatch) -> Tensor:
        """Compute the loss, the model in the step's precision and the loss in float32."""
        return self.objective(within(self.model, [self._precision]), batch).total

    @subnormals_as_zero()  # as in training: a step that is slower without it is not the one taken
    def run(self, clock: PartClock | None = None) -> None:
        """Take the step; `clock` switches where the model itself does not switch it."""
        switch = clock.switch if clock else _ignore
        switch("loader")
        batch = next(self.batches)
        switch(OTHER)
        for part in batch.parts(self.accumulate):
            (self.forward(part.to(self.device)) / self.accumulate).backward()
        switch("optimizer")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        switch(OTHER)

    def _precision(self, batch: FieldBatch) -> AbstractContextManager[object]:
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMeasurement:
    """What the steps took."""

    seconds: float
    """Median time of a step, nothing but the step running."""
    spread: float
    """Half the distance between the quartiles, as a fraction of the median."""
    num_steps: int
    peak_memory: int
    """Bytes; see `matey_core.profiling.machine.peak_memory`."""
    shares: dict[str, float]
    """Fraction of the time by part that the model has; they add up to 1."""


def measure_step(
    step: TrainingStep, *, seconds: float, with_shares: bool = True
) -> StepMeasurement:
    """Run a step until `seconds` are over, at least three times after one to warm up.

    Args:
        step: is really taken: the model trains.
        seconds: time for the plain steps; as long again for those watched part by part.
        with_shares: whether to measure the parts at all.
    """
    step.model.train()
    reset_peak_memory(step.device)
    step.run()
    times = _timed(step, seconds)
    return StepMeasurement(
        seconds=statistics.median(times),
        spread=spread(times),
        num_steps=len(times),
        peak_memory=peak_memory(step.device),
        shares=_shares(step, seconds) if with_shares else {},
    )


def _timed(step: TrainingStep, seconds: float) -> list[float]:
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(times) < FEWEST_STEPS or time.perf_counter() < deadline:
        synchronize(step.device)
        start = time.perf_counter()
        step.run()
        synchronize(step.device)
        times.append(time.perf_counter() - start)
    return times


def _shares(step: TrainingStep, seconds: float) -> dict[str, float]:
    clock = PartClock(step.device)
    deadline = time.perf_counter() + seconds
    count = 0
    with watched(step.model, clock):
        while count < FEWEST_STEPS or time.perf_counter() < deadline:
            step.run(clock)
            count += 1
    parts = clock.seconds()
    total = sum(parts.values())
    return {part: parts[part] / total for part in PARTS if part in parts}


def _ignore(part: str) -> None:
    """Switch nothing: no clock is running."""
