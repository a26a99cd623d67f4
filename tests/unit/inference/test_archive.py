"""Predicted states on disk: values, coordinates, and nothing half-written."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import RunError
from matey_core.inference import Coordinate, StateWriter
from matey_core.inference import archive as archive_module
from tests.unit.inference.recurrence import spec

NAMES = ("0004", "0007", "seed 9")
TIMES = np.array([0.5, 1.0, 1.5, 2.0, 2.5])


def writer(path: Path, *, samples: tuple[str, ...] = NAMES) -> StateWriter:
    return StateWriter(
        path,
        spec(4, 6),
        coordinates={
            "sample": Coordinate(
                values=np.array(samples, dtype=np.dtypes.StringDType()), attributes={}
            ),
            "time": Coordinate(values=TIMES, attributes={"units": "s"}),
            "x": Coordinate(values=np.arange(4.0), attributes={"units": "m"}),
        },
        attributes={"model": {"preset": "ti"}, "start": 3},
    )


def states() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 5, 2, 4, 6)).astype(np.float32)


def write_all(target: StateWriter, values: np.ndarray) -> None:
    for samples in (slice(0, 2), slice(2, 3)):
        for time_index in range(len(TIMES)):
            target.write(values[samples, time_index], samples=samples, time_index=time_index)


def interrupted(target: StateWriter, values: np.ndarray, interruption: type[BaseException]) -> None:
    with target:
        target.write(values, samples=slice(0, 2), time_index=0)
        raise interruption


@pytest.mark.parametrize("block_bytes", [1, 4 * 4 * 6 * 2 * 2, 2**23])
def test_xarray_reads_back_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(archive_module, "BLOCK_BYTES", block_bytes)
    values = states()
    with writer(tmp_path / "deep" / "r.zarr") as target:
        write_all(target, values)
    with xr.open_zarr(tmp_path / "deep" / "r.zarr") as data:
        assert data["u"].dims == ("sample", "time", "x", "y")
        np.testing.assert_array_equal(data["u"].values, values[:, :, 0])
        np.testing.assert_array_equal(data["v"].values, values[:, :, 1])
        np.testing.assert_array_equal(data["time"].values, TIMES)
        np.testing.assert_array_equal(data["sample"].values, NAMES)
        assert data["x"].attrs["units"] == "m"
        assert data["u"].attrs["units"] == "m"
        assert data.attrs["model"] == {"preset": "ti"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["r.zarr"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_the_old_result_and_nothing_else(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    values = states()
    with writer(tmp_path / "r.zarr") as target:
        write_all(target, values)
    with pytest.raises(interruption):
        interrupted(writer(tmp_path / "r.zarr"), 0 * values[:2, 0], interruption)
    assert [path.name for path in tmp_path.iterdir()] == ["r.zarr"]
    with xr.open_zarr(tmp_path / "r.zarr") as data:
        np.testing.assert_array_equal(data["u"].values, values[:, :, 0])


def test_a_new_result_replaces_the_old_one(tmp_path: Path) -> None:
    values = states()
    for factor in (1, 2):
        with writer(tmp_path / "r.zarr") as target:
            write_all(target, factor * values)
    assert [path.name for path in tmp_path.iterdir()] == ["r.zarr"]
    with xr.open_zarr(tmp_path / "r.zarr") as data:
        np.testing.assert_array_equal(data["v"].values, 2 * values[:, :, 1])


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"r\.zarr cannot be written") as caught,
        writer(tmp_path / "r.zarr"),
    ):
        raise OSError(28, "No space left on device")
    assert caught.value.exit_code == 1
    assert "--out" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []
