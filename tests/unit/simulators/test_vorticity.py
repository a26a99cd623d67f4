"""Settings and steps of the periodic flow."""

import numpy as np
import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.simulators._integrate import collate
from matey_core.simulators._spectral import ModeTransform, kept, wavenumbers
from matey_core.simulators.vorticity import VorticityConfig


@pytest.mark.parametrize("points", [8, 9, 15, 16])
def test_modes_and_values_are_inverse(points: int) -> None:
    transform, largest = ModeTransform(points), kept(points)
    modes = torch.randn(2, 1, largest + 1, 2 * largest + 1, dtype=torch.complex128)
    modes[:, 0, 0, largest + 1 :] = modes[:, 0, 0, 1 : largest + 1].flip(-1).conj()
    modes[:, 0, 0, 0] = modes[:, 0, 0, 0].real.to(modes)
    ones = torch.ones(1, *modes.shape[2:], dtype=modes.dtype)
    values = transform.values(modes, ones)
    assert values.mean((2, 3)).squeeze(1).tolist() == pytest.approx(modes[:, 0, 0, 0].real.tolist())
    back = transform.modes(values, torch.ones(1, largest + 1, 2 * (2 * largest + 1)).double())
    torch.testing.assert_close(back, torch.view_as_real(modes[:, 0]).flatten(-2))


def test_products_of_what_is_kept_are_free_of_aliasing() -> None:
    for points in range(4, 40):
        assert 3 * kept(points) < points <= 3 * (kept(points) + 1)
        along_x, along_y = wavenumbers(points)
        assert len(along_x) == 2 * len(along_y) - 1


def test_steps_follow_each_sample_s_own_wind() -> None:
    simulator = VorticityConfig(grid=16, forcing=0.0).build()
    batch = collate([simulator.sample(np.random.RandomState(0))] * 2, torch.float64, "cpu")
    batch.states[1] *= 4
    slow, fast = simulator.stable_step(batch.states, batch).tolist()
    assert slow == pytest.approx(4 * fast)


def test_air_at_rest_may_take_any_step() -> None:
    simulator = VorticityConfig(grid=16, forcing=0.0, frames=3).build()
    batch = collate([simulator.sample(np.random.RandomState(0))], torch.float64, "cpu")
    batch.states.zero_()
    *_, last = simulator.frames(batch)
    assert not last.any()


def test_names_the_file_after_the_viscosities() -> None:
    assert VorticityConfig().build().file == "2D/Vorticity/2D_Vorticity_Nu1e-05-0.001.hdf5"


def test_refuses_a_grid_that_cannot_show_the_force() -> None:
    with pytest.raises(ConfigError, match="grid is 3, but"):
        VorticityConfig(grid=3).build()
