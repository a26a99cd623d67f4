"""What published files leave to the reader's knowledge, written down; and common arrays."""

import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from matey_core.simulators import Simulator
from matey_core.workflows.simulate.trajectory import Trajectory


def describe(simulator: Simulator, provenance: Mapping[str, Any]) -> str:
    """Fields, axes, boundaries, units and where the values come from, as JSON."""
    spec = simulator.spec
    fields = [*spec.fields, *simulator.static_fields]
    known = {
        "fields": [
            {"name": field.name, "array": simulator.keys.get(field.name, field.name)}
            for field in spec.fields
        ],
        "static_fields": [field.name for field in simulator.static_fields],
        "axes": spec.grid.axes,
        "boundary": spec.grid.boundary,
        "directed": spec.grid.directed,
        "conserved": simulator.conserved,
        "units": {**simulator.units, **{field.name: field.unit for field in fields if field.unit}},
        **provenance,
    }
    return json.dumps(known)


def centers(simulator: Simulator) -> dict[str, Float[np.ndarray, " points"]]:
    """Coordinates of the cell centers, by axis."""
    grid = simulator.spec.grid
    return {
        axis: origin + spacing * (np.arange(points) + 0.5)
        for axis, origin, spacing, points in zip(
            grid.axes, simulator.origin, grid.spacing, grid.shape, strict=True
        )
    }


def write_constants(file: h5py.File, trajectories: "list[Trajectory]") -> None:
    """Write seeds, and constants: once if all samples share them, else one a sample."""
    file["seeds"] = np.array([trajectory.seed for trajectory in trajectories], np.int64)
    for name in trajectories[0].parameters:
        values = np.array([trajectory.parameters[name] for trajectory in trajectories])
        if (values == values[0]).all():
            file.attrs[name] = values[0]
        else:
            file[f"parameters/{name}"] = values
