"""Parts of space and time against closed forms."""

import numpy as np
import pytest

from matey_core.conversion.view import Selection, block_means, truncated
from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.readers import Header, Source


class Formula(Source):
    """Two fields on a (y, x) grid, periodic in x, from waves that any grid can tell."""

    def __init__(self, ny: int = 12, nx: int = 16, frames: int = 10) -> None:
        grid = Grid(
            axes=("y", "x"),
            shape=(ny, nx),
            spacing=(1 / ny, 1 / nx),
            boundary=("no_flux", "periodic"),
        )
        y, x = ((np.arange(n) + 0.5) / n for n in (ny, nx))
        spec = FieldSpec(fields=(Field(name="u"), Field(name="v")), grid=grid, time_step=0.5)
        header = Header(
            spec=spec,
            static_fields=(Field(name="k"),),
            coordinates={"y": y, "x": x},
            times=0.5 * np.arange(frames),
            sample_names=("0",),
            dtype=np.dtype("f8"),
            num_bytes=0,
        )
        super().__init__(None, header)  # type: ignore[arg-type]
        self.y, self.x = y[:, None], x[None]

    def read(self, sample: int, start: int, stop: int) -> np.ndarray:
        return np.stack([self.state(0.5 * k) for k in range(start, stop)])

    def read_static(self, sample: int) -> np.ndarray:
        return self.state(0.0)[:1]

    def state(self, time: float) -> np.ndarray:
        wave = np.sin(2 * np.pi * (self.x - time / 7)) + 0.3 * np.cos(4 * np.pi * self.x)
        return np.stack([wave + 0 * self.y, 2 + wave + self.y])


def test_stride_and_crop_are_slices() -> None:
    source = Formula()
    whole = source.read(0, 0, 10)
    view = Selection(stride=3, crop={"x": (2, 10)}).of(source)
    header = view.header
    assert header.spec.time_step == 1.5
    np.testing.assert_array_equal(header.times, [0, 1.5, 3, 4.5])
    assert header.spec.grid.shape == (12, 8)
    assert header.spec.grid.boundary == ("no_flux", "unknown")
    np.testing.assert_array_equal(header.coordinates["x"], source.header.coordinates["x"][2:10])
    np.testing.assert_array_equal(view.read(0, 1, 4), whole[3:10:3, :, :, 2:10])
    np.testing.assert_array_equal(view.read_static(0), whole[0, :1, :, 2:10])


def test_downsampling_is_exact_for_what_the_new_grid_can_tell() -> None:
    source, coarse = Formula(12, 32), Formula(6, 8)
    view = Selection(downsample=(2, 4)).of(source)
    assert view.header.spec.grid == coarse.header.spec.grid
    for axis, values in coarse.header.coordinates.items():
        np.testing.assert_allclose(view.header.coordinates[axis], values, rtol=1e-14)
    np.testing.assert_allclose(view.read(0, 2, 5), coarse.read(0, 2, 5), atol=1e-13)
    np.testing.assert_allclose(view.read_static(0), coarse.read_static(0), atol=1e-13)


@pytest.mark.parametrize("method", ["mean", "auto"])
def test_the_mean_stays(method: str) -> None:
    view = Selection(downsample=(3, 4), method=method).of(Formula())
    before = Formula().read(0, 0, 3).mean((2, 3))
    np.testing.assert_allclose(view.read(0, 0, 3).mean((2, 3)), before, rtol=1e-13, atol=1e-14)


def test_means_pass_over_what_is_missing() -> None:
    values = np.array([1.0, 3.0, np.nan, 5.0, np.nan, np.nan])
    np.testing.assert_array_equal(block_means(values, 0, 2), [2.0, 5.0, np.nan])
    periodic = Formula(12, 16)
    view = Selection(downsample=(1, 2)).of(periodic)
    states = periodic.read(0, 0, 1)
    states[0, 0, 3, 4] = np.nan
    found = view._reduce(states)
    assert found[0, 0, 3, 2] == states[0, 0, 3, 5]


@pytest.mark.parametrize("points", [9, 12, 15, 16])
def test_truncation_keeps_waves_and_drops_what_would_alias(points: int) -> None:
    factor = 3 if points % 3 == 0 else 4
    fewer = points // factor
    x, new = (np.arange(points) + 0.5) / points, (np.arange(fewer) + 0.5) / fewer
    for wave in range(points // 2):
        expected = np.cos(2 * np.pi * wave * new + 0.3) if 2 * wave < fewer else 0 * new
        found = truncated(np.cos(2 * np.pi * wave * x + 0.3), 0, factor)
        np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop": {"z": (0, 2)}}, "names the axis z; the grid has y, x"),
        ({"crop": {"x": (4, 99)}}, "x=4:99 is not within the 16 points"),
        ({"downsample": (5,)}, "5 does not divide the 12 points of y"),
        ({"downsample": (2, 2, 2)}, "does not fit the 2 axes y, x"),
        ({"downsample": (2, 2), "method": "spectral"}, "needs periodic axes; y is not"),
    ],
)
def test_what_does_not_fit_is_said(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Selection(**settings).of(Formula())
