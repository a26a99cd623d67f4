"""What the settings of the MHD cavity mean."""

import numpy as np
import pytest

from matey_core.errors import ConfigError
from matey_core.simulators import SIMULATORS
from matey_core.simulators.mhd_cavity import MhdCavityConfig


def test_defaults_are_the_specified_ones() -> None:
    simulator = MhdCavityConfig().build()
    assert simulator.num_frames == 100
    assert simulator.spec.grid.shape == (128, 128)
    assert simulator.spec.names == (
        "velocity_x",
        "velocity_y",
        "magnetic_field_x",
        "magnetic_field_y",
    )
    assert [field.is_pseudo for field in simulator.spec.fields] == [False, False, True, True]
    assert simulator.file == "2D/MHD-cavity/2D_MHD_cavity_Train.hdf5"


def test_numbers_are_drawn_from_their_ranges() -> None:
    simulator = MhdCavityConfig(grid=8).build()
    drawn = [simulator.sample(np.random.RandomState(seed)).parameters for seed in range(50)]
    for name, low, high in (("Re", 100, 1000), ("Rm", 0.1, 10), ("S", 0, 10)):
        values = [parameters[name] for parameters in drawn]
        assert low <= min(values) < low + (high - low) / 5
        assert high - (high - low) / 5 < max(values) <= high


def test_a_regularized_lid_stands_still_at_its_ends() -> None:
    smooth = MhdCavityConfig(grid=8, regularized_lid=True).build().lid
    sudden = MhdCavityConfig(grid=8).build().lid
    assert smooth[[0, 4, 8]].tolist() == [0, 1, 0]
    assert sudden.tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(("field", "imposed"), [("transverse", (0, 1)), ("parallel", (1, 0))])
def test_the_imposed_field_has_one_direction(field: str, imposed: tuple[float, float]) -> None:
    assert MhdCavityConfig(grid=8, field=field).build().imposed == imposed


@pytest.mark.parametrize("wrong", [{"walls": "open"}, {"stuart": -1.0}, {"reynolds": 0.0}])
def test_refuses_what_has_no_meaning(wrong: dict[str, object]) -> None:
    with pytest.raises((ConfigError, ValueError)):
        SIMULATORS["mhd_cavity"](**wrong)
