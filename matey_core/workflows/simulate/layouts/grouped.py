"""One group a sample: `0000/data` [t, *space, c], `0000/grid/{x,y,t}`, `0000` `config` as YAML."""

from collections.abc import Sequence

import h5py
import numpy as np
import yaml

from matey_core.simulators import Simulator
from matey_core.workflows.simulate.layouts.header import centers
from matey_core.workflows.simulate.trajectory import Trajectory

COMPRESSED = "2D/diffusion-reaction/"
"""Folder of the family whose published file is compressed."""


def write(file: h5py.File, simulator: Simulator, trajectories: Sequence[Trajectory]) -> None:
    """Write a group named after each sample's seed."""
    coordinates = centers(simulator) | {"t": simulator.times}
    compression = "lzf" if simulator.file.startswith(COMPRESSED) else None
    for trajectory in trajectories:
        group = file.create_group(f"{trajectory.seed:04d}")
        data = np.moveaxis(trajectory.values, 1, -1)
        group.create_dataset("data", data=data, dtype="f4", compression=compression)
        for axis in sorted(coordinates):
            group.create_dataset(
                f"grid/{axis}", data=coordinates[axis], dtype="f4", compression=compression
            )
        config = simulator.describe(trajectory.seed, trajectory.parameters)
        group.attrs["config"] = yaml.safe_dump(dict(config), sort_keys=False)
