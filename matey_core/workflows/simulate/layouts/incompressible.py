"""Incompressible flow: `velocity`, `particles`, `force` and `t`, channels last, one file."""

from collections.abc import Sequence

import h5py
import numpy as np
import yaml

from matey_core.simulators import Simulator
from matey_core.workflows.simulate.layouts.header import write_constants
from matey_core.workflows.simulate.trajectory import Trajectory


def write(file: h5py.File, simulator: Simulator, trajectories: Sequence[Trajectory]) -> None:
    """Write velocity and tracer frame by frame in chunks, as published."""
    samples, times = len(trajectories), simulator.times
    space = simulator.spec.grid.shape
    stored = {"compression": "lzf", "shuffle": True}
    velocity, particles = (
        file.create_dataset(
            name,
            (samples, len(times), *space, channels),
            "f4",
            chunks=(1, 1, *space, channels),
            **stored,
        )
        for name, channels in (("velocity", 2), ("particles", 1))
    )
    force = file.create_dataset(
        "force", (samples, *space, 2), "f4", chunks=(1, 1, *space[1:], 2), **stored
    )
    for index, trajectory in enumerate(trajectories):
        values = np.moveaxis(trajectory.values, 1, -1)
        velocity[index], particles[index] = values[..., :2], values[..., 2:]
        if trajectory.static is not None:
            force[index] = np.moveaxis(trajectory.static, 0, -1)
    repeated = np.tile(times, (samples, 1))
    file.create_dataset("t", data=repeated, dtype="f4", chunks=(1, 1), **stored)
    first = trajectories[0]
    config = simulator.describe(first.seed, first.parameters)
    file.attrs["config"] = yaml.safe_dump(dict(config), sort_keys=False)
    file.attrs["latestIndex"] = len(times) - 1
    write_constants(file, list(trajectories))
