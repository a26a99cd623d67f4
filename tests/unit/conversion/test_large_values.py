"""Values whose squares are beyond float64."""

from pathlib import Path

import numpy as np
import pytest

from matey_core.conversion.moments import Moments
from matey_core.errors import DataError
from matey_core.readers import ReaderOptions
from matey_core.workflows.data_inspect import inspect_data
from matey_core.workflows.prepare import PrepareConfig, prepare

DIMS = ("sample", "time", "x")


@pytest.mark.parametrize("largest", [1e155, 1e200, 1e308])
def test_they_are_refused_by_name_and_leave_nothing(tmp_path: Path, largest: float) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (3, 4, 16)) * largest
    np.save(tmp_path / "big.npy", values)
    config = PrepareConfig(reader="array", source=tmp_path / "big.npy", dims=DIMS)
    with pytest.raises(DataError, match=r"u of sample 0 has values up to .*e\+") as told:
        prepare(config)
    assert "other units" in told.value.remedy
    assert not [*config.stores.glob("*")]
    (item,) = inspect_data(
        tmp_path / "big.npy", reader="array", options=ReaderOptions(dims=DIMS)
    ).items
    assert item.fields[0].high == values.max()


def test_values_that_can_be_squared_are_kept(tmp_path: Path) -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (3, 4, 16)) * 1e150
    np.save(tmp_path / "big.npy", values)
    (row,) = prepare(PrepareConfig(reader="array", source=tmp_path / "big.npy", dims=DIMS)).rows
    assert row.status == "converted"


def test_a_spread_beyond_float64_is_infinite() -> None:
    moments = Moments()
    moments.add(np.array([1e200, -1e200]))
    moments.add(np.array([-3e200]))
    assert (moments.low, moments.high, moments.count) == (-3e200, 1e200, 3)
    assert moments.deviation == np.inf
