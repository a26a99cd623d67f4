"""Make training data with a reference solver, in PDEBench's layout."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor

from matey_core.config import Config, validate
from matey_core.errors import ConfigError, RunError
from matey_core.simulators import PRECISIONS, SIMULATORS, Precision, Simulator
from matey_core.simulators._integrate import collate
from matey_core.simulators._pdebench_writer import GroupedSample, open_grouped
from matey_core.workflows._progress import OnProgress, Progress, silent

GROUP_NAMES = 10_000
"""PDEBench names its groups with four digits."""


class SimulateConfig(Config):
    """What to simulate, how much of it, and where it goes."""

    simulator: str = "diffusion_reaction"
    """A name in the simulators' registry."""
    samples: PositiveInt = 12
    """Trajectories to make; sample i uses the seed `seed + i`."""
    grid: PositiveInt = 64
    """Cells along each axis; the published files have 128."""
    frames: PositiveInt = 101
    """Frames of a trajectory, the start included."""
    seed: NonNegativeInt = 0
    """Seed of the first trajectory. The same seed gives the same file."""
    out: Path = Path("data")
    """Folder below which the published folder and file name are used."""
    overwrite: bool = False
    """Replace the file if it exists."""
    batch: PositiveInt = 8
    """Trajectories that are stepped together; changes speed and memory, not results."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto` takes a GPU if there is one."""
    precision: Precision = "float32"
    """Arithmetic of the solver; files are float32 in any case."""
    settings: dict[str, float] = Field(default_factory=dict)
    """Settings of the simulator's own, such as {"k": 0.005}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateReport:
    """What was written, and what was not."""

    path: Path
    samples: int
    """Trajectories in the file."""
    shape: tuple[int, ...]
    """Shape (t, *space, c) of each."""
    diverged: tuple[int, ...]
    """Seeds whose solution became non-finite: left out of the file."""
    num_bytes: int
    seconds: float


def simulate(config: SimulateConfig, on_progress: OnProgress = silent) -> SimulateReport:
    """Write trajectories of one equation to a new HDF5 file.

    Args:
        config: what to simulate.
        on_progress: told after every frame of every batch.

    Raises:
        ConfigError: an unknown simulator or setting, a file that exists, too many samples.
        RunError: every solution diverged, or the file could not be written.
    """
    simulator = _build(config)
    path = config.out / simulator.file
    if path.exists() and not config.overwrite:
        raise ConfigError(
            f"{path} exists already.",
            remedy="Add --overwrite to replace it, or choose another place with --out.",
        )
    began = time.perf_counter()
    seeds = range(config.seed, config.seed + config.samples)
    diverged: list[int] = []
    with open_grouped(path) as file:
        for first in range(0, len(seeds), config.batch):
            batch = seeds[first : first + config.batch]
            trajectories = _trajectories(simulator, batch, config, on_progress)
            for seed, trajectory in zip(batch, trajectories, strict=True):
                if not np.isfinite(trajectory).all():
                    diverged.append(seed)
                    continue
                file.add(_sample(simulator, seed, trajectory))
        if len(diverged) == len(seeds):
            raise RunError(
                f"{config.simulator}: all {len(seeds)} solutions became non-finite.",
                remedy="Choose milder settings of the simulator.",
            )
    return SimulateReport(
        path=path,
        samples=len(seeds) - len(diverged),
        shape=(simulator.num_frames, *simulator.spec.grid.shape, len(simulator.spec.fields)),
        diverged=tuple(diverged),
        num_bytes=path.stat().st_size,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSummary:
    """A simulator's name and what it solves."""

    name: str
    summary: str


def list_simulators() -> tuple[SimulatorSummary, ...]:
    """Name every simulator, as one types it, without importing one."""
    return tuple(
        SimulatorSummary(name=name.replace("_", "-"), summary=SIMULATORS.summary(name))
        for name in SIMULATORS.names()
    )


def _build(config: SimulateConfig) -> Simulator:
    if config.seed + config.samples > GROUP_NAMES:
        raise ConfigError(
            f"Seeds go up to {config.seed + config.samples - 1}, "
            f"and PDEBench's layout names samples with four digits, up to {GROUP_NAMES - 1}.",
            remedy="Choose fewer --samples or a smaller --seed.",
        )
    kind = SIMULATORS[config.simulator]
    values = {"grid": config.grid, "frames": config.frames, **config.settings}
    return validate(kind, values, source=config.simulator).build()


def _trajectories(
    simulator: Simulator, seeds: range, config: SimulateConfig, on_progress: OnProgress
) -> Iterator[np.ndarray]:
    """Yield one (t, *space, c) float32 trajectory a seed."""
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in seeds]
    problems = collate(samples, PRECISIONS[config.precision], device)
    kept: list[Tensor] = []
    for index, frame in enumerate(simulator.frames(problems)):
        kept.append(frame.float().cpu())
        share = (index + 1) / simulator.num_frames
        on_progress(
            Progress(
                task=f"simulate {config.simulator}",
                done=seeds[0] - config.seed + share * len(seeds),
                total=config.samples,
                unit="trajectories",
                facts=(("time", f"{index * simulator.spec.time_step:.2f}"),),
            )
        )
    for sample in range(len(seeds)):
        yield torch.stack([frame[sample] for frame in kept]).movedim(1, -1).numpy()


def _sample(simulator: Simulator, seed: int, trajectory: np.ndarray) -> GroupedSample:
    grid = simulator.spec.grid
    centres = {
        axis: origin + spacing * (np.arange(points) + 0.5)
        for axis, origin, spacing, points in zip(
            grid.axes, simulator.origin, grid.spacing, grid.shape, strict=True
        )
    }
    times = simulator.spec.time_step * np.arange(simulator.num_frames)
    return GroupedSample(
        seed=seed,
        data=trajectory,
        coordinates=centres | {"t": times},
        config=simulator.describe(seed, simulator.sample(np.random.RandomState(seed)).parameters),
    )
