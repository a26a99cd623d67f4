"""Settings of static problems."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from matey_core.errors import ConfigError, RunError
from matey_core.simulators import SIMULATORS
from matey_core.simulators.advection_diffusion import AdvectionDiffusionConfig
from matey_core.simulators.darcy import DarcyConfig
from matey_core.simulators.helmholtz import HelmholtzConfig
from matey_core.simulators.manufactured import ManufacturedConfig

NAMES = ("darcy", "poisson", "advection_diffusion", "helmholtz", "manufactured")


@pytest.mark.parametrize("name", NAMES)
def test_there_are_two_frames(name: str) -> None:
    simulator = SIMULATORS[name](grid=8).build()
    assert simulator.times.tolist() == [0.0, 1.0]
    with pytest.raises(ValidationError, match="frames"):
        SIMULATORS[name].model_validate({"frames": 3})


@pytest.mark.parametrize(
    ("name", "settings", "file"),
    [
        ("darcy", {"beta": 0.01}, "2D/DarcyFlow/2D_DarcyFlow_beta0.01_Train.hdf5"),
        ("poisson", {"eigenvalue": "5:10"}, "2D/Poisson/2D_Poisson_e5.0-10.0.hdf5"),
        (
            "advection_diffusion",
            {"ratio": "1:2"},
            "2D/AdvectionDiffusion/2D_AdvectionDiffusion_psi1.0-2.0.hdf5",
        ),
        ("helmholtz", {"omega": "15:20"}, "2D/Helmholtz/2D_Helmholtz_o15.0-20.0.hdf5"),
        (
            "manufactured",
            {"dimension": 3, "operator": "helmholtz", "boundary": "no_flux"},
            "3D/Manufactured/3D_Manufactured_helmholtz_no_flux.hdf5",
        ),
    ],
)
def test_settings_name_the_file(name: str, settings: dict[str, object], file: str) -> None:
    assert SIMULATORS[name].model_validate(settings).build().file == file


@pytest.mark.parametrize(("low", "high"), [(3.0, 12.0), (12.0, 3.0)])
def test_darcy_has_the_two_coefficients_that_were_asked_for(low: float, high: float) -> None:
    simulator = DarcyConfig(grid=16, low=low, high=high, beta=(2.0, 3.0)).build()
    sample = simulator.sample(np.random.RandomState(0))
    assert sample.state[0].unique().tolist() == [3.0, 12.0]
    assert 2 <= sample.parameters["beta"] <= 3


def test_a_range_of_frequencies_has_whole_ends() -> None:
    with pytest.raises(ConfigError, match=r"1\.5-3\.0"):
        HelmholtzConfig(omega=(1.5, 3.0)).build()
    simulator = HelmholtzConfig(grid=8, omega=2.5).build()
    assert simulator.sample(np.random.RandomState(0)).parameters == {"omega": 2.5}


def test_a_ratio_out_of_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"between 0\.01 and 100"):
        AdvectionDiffusionConfig(ratio=(1.0, 1000.0)).build()


def test_a_resonance_is_given_up() -> None:
    resonance = 0.01 * 4 * math.pi**2
    simulator = HelmholtzConfig(grid=8, omega=resonance * (1 + 1e-6)).build()
    with pytest.raises(RunError, match="none of 1000"):
        simulator.sample(np.random.RandomState(0))


@pytest.mark.parametrize(
    ("operator", "coefficients", "parameters"),
    [
        ("diffusion", ["diffusion_coefficient"], ["a"]),
        (
            "advection_diffusion",
            ["diffusion_coefficient", "velocity_x", "velocity_y"],
            ["a", "v_x", "v_y"],
        ),
        ("helmholtz", ["diffusion_coefficient", "reaction_coefficient"], ["a", "c"]),
    ],
)
def test_varying_coefficients_are_stored(
    operator: str, coefficients: list[str], parameters: list[str]
) -> None:
    settings = {"grid": 8, "operator": operator}
    constant, varying = (
        ManufacturedConfig.model_validate(settings | {"varying": v}).build() for v in (False, True)
    )
    assert constant.spec.names == ("source", "solution")
    assert varying.spec.names == ("source", "solution", *coefficients)
    sample = varying.sample(np.random.RandomState(0))
    assert list(sample.parameters) == parameters
    diffusion = sample.state[2] / sample.parameters["a"]
    assert 0.5 < diffusion.min().item() < 1 < diffusion.max().item() < 1.5
    assert constant.sample(np.random.RandomState(0)).state.shape == (2, 8, 8)
