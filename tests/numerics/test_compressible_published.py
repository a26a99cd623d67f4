"""The compressible-flow solver against PDEBench's own files, from their first frames."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.validation._compare import relative, solve, stacked
from matey_core.simulators import Sample
from matey_core.simulators.compressible_flow import CompressibleFlowConfig, conserved

NAMES = ("density", "pressure", "Vx", "Vy", "Vz")
RAND_1D = "1D/CFD/Train/1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5"
RAND_2D = "2D/CFD/2D_Train_Rand/2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5"
TURB_2D = "2D/CFD/2D_Train_Turb/2D_CFD_Turb_M1.0_Eta1e-08_Zeta1e-08_periodic_128_Train.hdf5"
RAND_3D = "3D/Train/3D_CFD_Rand_M1.0_Eta1e-08_Zeta1e-08_periodic_Train.hdf5"


def differences(
    path: Path, axes: int, samples: slice, frames: int, **settings: object
) -> np.ndarray:
    """Relative L2 per sample, frame and field."""
    theirs = np.stack([stacked(path, key)[samples] for key in NAMES[: 2 + axes]], 2)[:, :frames]
    simulator = CompressibleFlowConfig.model_validate(
        {"dimension": axes, "grid": theirs.shape[-1], "frames": frames, **settings}
    ).build()
    constants = {name: float(settings[name]) for name in ("eta", "zeta")}
    starts = [
        Sample(state=conserved(torch.from_numpy(first)), parameters=constants)
        for first in theirs[:, 0]
    ]
    return relative(solve(simulator, starts, "float32"), theirs, axes=axes)


def test_agrees_in_one_dimension(genuine: Path) -> None:
    """Same scheme, same grid: what differs is how viscosity and flow take turns.

    The largest differences of velocity stand in the first frame, while windowed starts break.
    """
    errors = differences(genuine / RAND_1D, 1, slice(0, 3), 21, eta=0.1, zeta=0.1)
    assert errors[..., :2].max() < 5e-3
    assert errors[..., 2].max() < 1.5e-2
    assert errors[:, 10:].max() < 5e-3


def test_agrees_in_two_dimensions_with_the_stresses_they_compute(genuine: Path) -> None:
    errors = differences(
        genuine / RAND_2D, 2, slice(0, 1), 3, eta=0.01, zeta=0.01, stress="published"
    )
    assert errors[..., :2].max() < 5e-4
    assert errors.max() < 5e-3


def test_differs_from_theirs_by_the_stresses_they_leave_out(genuine: Path) -> None:
    """Published velocities lack ∂ᵢvₐ in shear stress, and the divergence's other half."""
    errors = differences(genuine / RAND_2D, 2, slice(0, 1), 2, eta=0.01, zeta=0.01)
    assert 0.03 < errors[:, 1, 2:].max() < 0.2


def test_agrees_in_turbulence_with_shocks(genuine: Path) -> None:
    """Cells that they reset to a pressure of 1e-4 are theirs alone."""
    errors = differences(genuine / TURB_2D, 2, slice(None), 3, eta=1e-8, zeta=1e-8)
    assert errors[:, 1].max() < 0.02
    assert errors.max() < 0.05


def test_agrees_in_three_dimensions(genuine: Path) -> None:
    errors = differences(genuine / RAND_3D, 3, slice(None), 3, eta=1e-8, zeta=1e-8)
    assert errors[..., :2].max() < 6e-3
    assert errors.max() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "axes", "frames", "limit"),
    [(RAND_2D, 2, 21, 5e-3), (TURB_2D, 2, 21, 0.1), (RAND_3D, 3, 11, 0.03)],
)
def test_agrees_to_the_end(name: str, axes: int, frames: int, limit: float, genuine: Path) -> None:
    viscosity = 0.01 if name == RAND_2D else 1e-8
    errors = differences(
        genuine / name,
        axes,
        slice(None),
        frames,
        eta=viscosity,
        zeta=viscosity,
        stress="published",
    )
    assert errors.max() < limit
