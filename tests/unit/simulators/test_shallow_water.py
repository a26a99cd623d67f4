"""What the shallow-water solver says about itself, and what it refuses."""

import math

import numpy as np
import pytest

from matey_core.errors import ConfigError
from matey_core.simulators.shallow_water import ShallowWaterConfig, fastest_wave


@pytest.mark.parametrize(
    ("seed", "radius"),
    [
        (0, 0.5195254015709299),
        (1, 0.4668088018810296),
        (23, 0.5069191535386357),
        (100, 0.5173619767163862),
    ],
)
def test_a_seed_gives_the_published_radius(seed: int, radius: float) -> None:
    sample = ShallowWaterConfig(grid=16).build().sample(np.random.RandomState(seed))
    assert sample.parameters == {"gravity": 1.0, "dam_radius": radius, "inner_height": 2.0}


def test_describes_a_sample_as_published() -> None:
    simulator = ShallowWaterConfig().build()
    parameters = simulator.sample(np.random.RandomState(1)).parameters
    assert simulator.describe(1, parameters) == {
        "name": "2d_rdb",
        "sim": {
            "T_end": 1.0,
            "n_time_steps": 100,
            "xdim": 128,
            "ydim": 128,
            "gravity": 1.0,
            "dam_radius": 0.4668088018810296,
            "inner_height": 2.0,
            "x_left": -2.5,
            "x_right": 2.5,
            "y_bottom": -2.5,
            "y_top": 2.5,
            "seed": 1,
        },
    }


def test_the_circle_is_the_same_at_any_resolution() -> None:
    coarse, fine = (
        ShallowWaterConfig(grid=grid).build().sample(np.random.RandomState(3)).state[0]
        for grid in (64, 512)
    )
    area = (
        math.pi
        * ShallowWaterConfig().build().sample(np.random.RandomState(3)).parameters["dam_radius"]
        ** 2
    )
    for height, tolerance in ((coarse, 0.05), (fine, 0.005)):
        assert (height - 1).mean().item() * 25 == pytest.approx(area, rel=tolerance)


def test_constants_can_be_drawn() -> None:
    config = ShallowWaterConfig.model_validate(
        {"grid": 8, "inner_height": "1.5:3", "gravity": "0.5:2"}
    )
    values = [config.build().sample(np.random.RandomState(seed)).parameters for seed in (0, 1)]
    assert all(1.5 <= v["inner_height"] <= 3 and 0.5 <= v["gravity"] <= 2 for v in values)
    assert values[0]["gravity"] != values[1]["gravity"]


def test_mass_stays_only_until_waves_can_reach_an_edge() -> None:
    assert ShallowWaterConfig().build().conserved == ("height",)
    assert ShallowWaterConfig(frames=201).build().conserved == ()


def test_a_plane_dam_has_the_known_fastest_wave() -> None:
    """Stoker's middle state of 2 : 1 is h = 1.4539, v = 0.4171 (to four figures)."""
    assert fastest_wave(2.0, 1.0) == pytest.approx(2 * math.sqrt(2) - math.sqrt(1.4539), abs=1e-4)
    assert fastest_wave(2.0, 4.0) == pytest.approx(2 * fastest_wave(2.0, 1.0))
    assert fastest_wave(1.0, 1.0) == pytest.approx(1.0)


def test_a_column_lower_than_the_sea_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"inner_height is 0\.5"):
        ShallowWaterConfig(inner_height=0.5).build()
