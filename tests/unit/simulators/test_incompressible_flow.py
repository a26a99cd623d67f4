"""Settings of the incompressible flow, and the names that published files have."""

from pathlib import Path

import h5py
import yaml

from matey_core.readers.pdebench import names
from matey_core.simulators.incompressible_flow import IncompressibleFlowConfig


def test_fields_are_those_of_the_reader() -> None:
    simulator = IncompressibleFlowConfig(grid=8).build()
    assert simulator.spec.fields == names.INCOMPRESSIBLE.fields
    assert simulator.spec.grid.boundary == (names.INCOMPRESSIBLE.boundary,) * 2
    assert simulator.static_fields == names.FORCE


def test_settings_are_described_as_in_the_published_file(genuine: Path) -> None:
    simulator = IncompressibleFlowConfig().build()
    with h5py.File(genuine / simulator.file) as file:
        published = yaml.safe_load(file.attrs["config"])
    ours = simulator.describe(0, {"NU": 0.01})
    assert ours.keys() <= published.keys()
    steps = {"DT", "frame_int", "n_steps"}
    assert {k: v for k, v in ours.items() if k not in steps} == {
        k: published[k] for k in ours if k not in steps
    }
    frames = {k: ours["DT"] * ours["frame_int"] * k for k in range(3)}
    assert frames == {k: published["DT"] * published["frame_int"] * k for k in range(3)}
