"""Settings of the stratified flow, and the rational function that makes its pressures."""

import numpy as np
import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.simulators._power import power_minus_one
from matey_core.simulators._stratified import GAMMA
from matey_core.simulators.colliding_thermals import CASES, NAMES, CollidingThermalsConfig


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, 3e-7), (torch.float64, 2e-15)])
def test_a_power_of_nearly_one_keeps_its_digits(dtype: torch.dtype, rounding: float) -> None:
    x = torch.cat([torch.linspace(-0.2, 0.2, 41), torch.tensor([1e-6, -1e-9])]).to(dtype)
    found = power_minus_one(x, GAMMA, out=torch.empty_like(x), work=torch.empty_like(x))
    exact = torch.expm1(GAMMA * torch.log1p(x.double()))
    assert torch.equal(found == 0, x == 0)
    assert ((found.double() - exact).abs() <= rounding * exact.abs()).all()


def test_a_power_far_from_one_is_still_near() -> None:
    x = torch.tensor([-0.5, 1.0], dtype=torch.float64)
    found = power_minus_one(x, GAMMA, out=torch.empty_like(x), work=torch.empty_like(x))
    torch.testing.assert_close(found, (1 + x) ** GAMMA - 1, rtol=1e-6, atol=0)


def test_draws_bubbles_within_their_ranges() -> None:
    simulator = CollidingThermalsConfig(grid=16).build()
    ranges = {f"{NAMES[name[:-2]]}{name[-2:]}": value for name, value in CASES["collision"].items()}
    for seed in range(20):
        parameters = simulator.sample(np.random.RandomState(seed)).parameters
        assert parameters.keys() == ranges.keys()
        for name, value in parameters.items():
            low, high = ranges[name]
            assert low <= value <= high


def test_a_setting_takes_the_place_of_the_case() -> None:
    simulator = CollidingThermalsConfig(case="thermal", grid=16, amplitude_1=7.0).build()
    parameters = simulator.sample(np.random.RandomState(0)).parameters
    assert parameters["theta_amplitude_K_1"] == 7
    assert parameters["radius_m_1"] == 2000


def test_refuses_a_second_bubble_where_there_is_one() -> None:
    with pytest.raises(ConfigError, match=r"radius_2 is 900.*density_current has one bubble"):
        CollidingThermalsConfig(case="density_current", radius_2=900.0).build()


def test_frames_come_at_the_first_step_that_reaches_them() -> None:
    """After 192 steps the published program's clock is 100 s but for rounding: it steps on."""
    simulator = CollidingThermalsConfig(frames=7).build()
    assert simulator.steps == [0, 39, 77, 116, 154, 193, 231]
    assert simulator.times[:3] == pytest.approx([0, 20.3125, 40.1041667])
    assert CollidingThermalsConfig().build().steps[-1] == 1152


def test_a_short_interval_makes_short_steps() -> None:
    simulator = CollidingThermalsConfig(grid=16, frames=4, interval=0.5).build()
    assert simulator.times == pytest.approx([0, 0.5, 1, 1.5])


def test_the_driven_case_stores_its_force() -> None:
    config = CollidingThermalsConfig(case="gravity_waves", grid=20, center_z_1=1500.0)
    simulator = config.build()
    force = simulator.sample(np.random.RandomState(0)).static
    assert force is not None
    assert [field.name for field in simulator.static_fields] == ["force_z"]
    # Twice three times 0.01 ρ̄ in the middle of the bubble, which is that of a cell.
    density, _ = simulator.column(np.array([1500.0]))
    assert force.argmax().item() == 20 + 2
    assert force.max().item() == pytest.approx(0.06 * density.item(), rel=1e-12)
    assert force.count_nonzero().item() == 1
