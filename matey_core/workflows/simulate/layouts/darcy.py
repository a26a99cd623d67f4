"""Darcy flow: the coefficient `nu` [sample, x, y] and the solution `tensor` [sample, 1, x, y]."""

from collections.abc import Sequence

import h5py

from matey_core.simulators import Simulator
from matey_core.workflows.simulate.layouts.header import centers, write_constants
from matey_core.workflows.simulate.trajectory import Trajectory


def write(file: h5py.File, simulator: Simulator, trajectories: Sequence[Trajectory]) -> None:
    """Write both arrays from the last frame, which has coefficient and solution."""
    space = simulator.spec.grid.shape
    coefficient = file.create_dataset("nu", (len(trajectories), *space), "f4")
    solution = file.create_dataset("tensor", (len(trajectories), 1, *space), "f4")
    for index, trajectory in enumerate(trajectories):
        coefficient[index], solution[index, 0] = trajectory.values[-1]
    for axis, positions in centers(simulator).items():
        file[f"{axis}-coordinate"] = positions.astype("f4")
    write_constants(file, list(trajectories))
