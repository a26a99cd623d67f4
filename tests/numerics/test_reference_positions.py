"""The position and area encoding against the published code's values."""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.errors import ShapeError
from matey_core.models.paper.patches import Triple
from matey_core.models.paper.positions import (
    PositionArea,
    area_features,
    cell_centres,
    place_features,
    time_features,
)
from matey_core.models.paper.selection import Cut
from tests.numerics.reference import arrays

GRIDS: dict[str, Triple] = {
    "64x64_ps1x16x16": (1, 4, 4),
    "64x64_ps1x4x4": (1, 16, 16),
    "128x256_ps1x16x16": (1, 8, 16),
    "16x32x32_ps8x8x8": (2, 4, 4),
}


@pytest.mark.parametrize("width", [24, 48, 192, 384, 768])
def test_features_are_the_published_ones(reference: Path, width: int) -> None:
    stored = arrays(reference / "position_area_encoding.npz")
    points = torch.from_numpy(stored["points_t_z_x_y_area"])
    found = {
        "time": time_features(points[:, 0], width),
        "2d/pos": place_features(points[:, 1:4], width, is_flat=True),
        "3d/pos": place_features(points[:, 1:4], width, is_flat=False),
        "scale": area_features(points[:, 4], width),
    }
    for key, features in found.items():
        tolerance = 1e-4 if key == "scale" else 1e-5
        np.testing.assert_allclose(
            features, stored[f"d{width}/{key}"], rtol=0, atol=tolerance, err_msg=key
        )


@pytest.mark.parametrize("case", GRIDS)
def test_places_are_the_published_ones(reference: Path, case: str) -> None:
    table = arrays(reference / "position_area_encoding.npz")[f"t_pos_area/{case}"]
    grid = GRIDS[case]
    np.testing.assert_array_equal(cell_centres(grid), table[0, 0, ..., 1:4])
    np.testing.assert_array_equal(table[0, -1, ..., 0], table.shape[1] - 1)
    np.testing.assert_array_equal(table[..., 4], np.float32(1 / np.prod(grid)))


def test_fine_cells_are_encoded_at_their_own_centres() -> None:
    torch.manual_seed(0)
    encoder = PositionArea(24)
    refined = (torch.tensor([3]),)
    both = Cut(grid=(1, 2, 2), split=(1, 2, 2), refined=refined)
    fine = Cut(grid=(1, 4, 4), split=(1, 1, 1), refined=refined)
    with torch.inference_mode():
        cells = encoder(both, frames=3, is_flat=True)
        raster = encoder(fine, frames=3, is_flat=True).view(4, 4, 3, 24)
    assert cells.shape == (4 + 16, 3, 24)
    lower_right = cells[4:].view(4, 2, 2, 3, 24)[3]
    torch.testing.assert_close(lower_right, raster[2:, 2:])


def test_too_many_frames_are_refused() -> None:
    cut = Cut(grid=(1, 2, 2), split=(1, 1, 1), refined=(torch.tensor([0]),))
    with pytest.raises(ShapeError, match="at most 101 frames, not 102"):
        PositionArea(24)(cut, frames=102, is_flat=True)
