"""Finished trajectories as a source of a store, without a file between."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from matey_core.readers import Header, Source
from matey_core.readers.pdebench.names import parameter
from matey_core.simulators import Simulator
from matey_core.store import write_store
from matey_core.store.split import Split
from matey_core.workflows.simulate.layouts.header import centers
from matey_core.workflows.simulate.trajectory import Trajectory


class SolvedSource(Source):
    """Trajectories on this machine's disk, as the solver made them."""

    def __init__(self, folder: Path, simulator: Simulator, solved: list[Trajectory]) -> None:
        parameters = {
            parameter(name): np.array([trajectory.parameters[name] for trajectory in solved])
            for name in solved[0].parameters
        }
        spec, times = simulator.spec, simulator.times
        # Some solvers store the first of their steps past each interval.
        time_step = float(np.diff(times).mean()) if len(times) > 1 else spec.time_step
        super().__init__(
            folder,
            Header(
                spec=replace(spec, time_step=time_step),
                static_fields=simulator.static_fields,
                coordinates=centers(simulator),
                times=times,
                sample_names=tuple(str(trajectory.seed) for trajectory in solved),
                parameters=parameters,
                dtype=np.dtype("f4"),
                num_bytes=sum(trajectory.values.nbytes for trajectory in solved),
                units=dict(simulator.units),
                conserved=simulator.conserved,
                directed=spec.grid.directed,
            ),
        )
        self._solved = solved

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive)."""
        return np.array(self._solved[sample].values[start:stop])

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        static = self._solved[sample].static
        return super().read_static(sample) if static is None else static


def store_of(
    path: Path,
    folder: Path,
    simulator: Simulator,
    solved: list[Trajectory],
    provenance: dict[str, Any],
    *,
    split: Split,
) -> None:
    """Write a store.

    Raises:
        DataError: a value is not finite.
        RunError: the disk is full, or another process writes the store.
    """
    source = SolvedSource(folder, simulator, solved)
    write_store(
        source,
        path,
        num_samples=len(solved),
        split=split,
        provenance=lambda: {"source": "matey simulate", **provenance},
    )
