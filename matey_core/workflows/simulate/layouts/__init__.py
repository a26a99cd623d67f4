"""Solutions to HDF5 files in PDEBench's layouts.

A layout's file has the name of the layout and one function, `write`. Files have what published
files have; beside it, the root attribute `matey` says what those leave out, and arrays that
published files lack keep seeds and drawn constants.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matey_core.simulators import Simulator
from matey_core.workflows.simulate.layouts.disk import new_hdf5
from matey_core.workflows.simulate.layouts.header import describe
from matey_core.workflows.simulate.trajectory import Trajectory


def write_hdf5(
    path: Path,
    simulator: Simulator,
    trajectories: Sequence[Trajectory],
    provenance: Mapping[str, Any],
) -> None:
    """Write a new file in the simulator's layout.

    Args:
        path: the file; what is there is lost.
        simulator: what made the solutions.
        trajectories: at least one, all of equal shape.
        provenance: settings and versions, kept in the file as JSON.

    Raises:
        OSError: the disk did not take it.
    """
    layout = importlib.import_module(f"{__name__}.{simulator.layout}")
    with new_hdf5(path) as file:
        file.attrs["matey"] = describe(simulator, provenance)
        layout.write(file, simulator, trajectories)
