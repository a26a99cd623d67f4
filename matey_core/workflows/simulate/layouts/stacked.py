"""Arrays of all samples: `density` [sample, t, *space] …, with `x-coordinate`, `t-coordinate`."""

from collections.abc import Sequence

import h5py

from matey_core.simulators import Simulator
from matey_core.workflows.simulate.layouts.header import centers, write_constants
from matey_core.workflows.simulate.trajectory import Trajectory


def write(file: h5py.File, simulator: Simulator, trajectories: Sequence[Trajectory]) -> None:
    """Write an array for each field."""
    times, space = simulator.times, simulator.spec.grid.shape
    arrays = [
        file.create_dataset(
            simulator.keys.get(name, name), (len(trajectories), len(times), *space), "f4"
        )
        for name in simulator.spec.names
    ]
    static = [
        file.create_dataset(field.name, (len(trajectories), *space), "f4")
        for field in simulator.static_fields
    ]
    for index, trajectory in enumerate(trajectories):
        for channel, array in enumerate(arrays):
            array[index] = trajectory.values[:, channel]
        if trajectory.static is not None:
            for array, values in zip(static, trajectory.static, strict=True):
                array[index] = values
    for axis, positions in centers(simulator).items():
        file[f"{axis}-coordinate"] = positions.astype("f4")
    # Published files have one time more than frames.
    last = times[-1] + simulator.spec.time_step
    file["t-coordinate"] = [*times.astype("f4"), last.astype("f4")]
    write_constants(file, list(trajectories))
