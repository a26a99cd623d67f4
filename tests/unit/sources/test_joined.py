"""Samples of several sources, read as one."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matey_core.errors import DataError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.sources import Header, Source
from matey_core.sources.joined import Joined


class InMemory(Source):
    """States that are there already."""

    def __init__(self, path: Path, header: Header, states: np.ndarray) -> None:
        super().__init__(path, header)
        self.states = states

    def read(self, sample: int, start: int, stop: int) -> np.ndarray:
        return self.states[sample, start:stop]

    def read_static(self, sample: int) -> np.ndarray:
        return self.states[sample, 0] + 0.5


def source(name: str, samples: int, *, first: float = 0, **changes: Any) -> InMemory:
    states = first + np.arange(samples * 3 * 4, dtype=np.float32).reshape(samples, 3, 1, 4)
    grid = Grid(axes=("x",), shape=(4,), spacing=(0.5,), boundary=("periodic",))
    header = Header(
        spec=FieldSpec(fields=(Field(name="u"),), grid=grid, time_step=2.0),
        coordinates={"x": 0.5 * np.arange(4)},
        times=2.0 * np.arange(3),
        sample_names=tuple(str(index) for index in range(samples)),
        dtype=states.dtype,
        num_bytes=states.nbytes,
    )
    return InMemory(Path(name), replace(header, **changes), states)


def test_samples_come_in_the_order_of_their_sources() -> None:
    a, b, c = source("a.h5", 2), source("b.h5", 1, first=100), source("c.h5", 3, first=200)
    joined = pickle.loads(pickle.dumps(Joined(Path("all"), [a, b, c])))
    assert joined.path == Path("all")
    assert joined.header.sample_names == ("a/0", "a/1", "b", "c/0", "c/1", "c/2")
    assert joined.header.num_bytes == 6 * 3 * 4 * 4
    assert joined.header.sample_times is None
    expected = np.concatenate([a.states, b.states, c.states])
    for sample in range(6):
        np.testing.assert_array_equal(joined.read(sample, 1, 3), expected[sample, 1:3])
        np.testing.assert_array_equal(joined.read_static(sample), expected[sample, 0] + 0.5)


def test_parameters_are_nan_where_a_source_has_none() -> None:
    a = source("a", 2, parameters={"nu": np.array([0.1, 0.2])})
    b = source("b", 1, parameters={"k": np.array([3.0])})
    joined = Joined(Path("all"), [a, b])
    np.testing.assert_array_equal(joined.header.parameters["nu"], [0.1, 0.2, np.nan])
    np.testing.assert_array_equal(joined.header.parameters["k"], [np.nan, np.nan, 3.0])


def test_splits_are_those_of_all_sources_or_none() -> None:
    a, b = source("a", 1, splits=("train",)), source("b", 2, splits=("test", "validation"))
    assert Joined(Path("all"), [a, b]).header.splits == ("train", "test", "validation")
    assert Joined(Path("all"), [a, source("c", 1)]).header.splits == ()


def test_times_may_differ_by_a_part_of_a_step() -> None:
    a = source("a", 2)
    times = np.array([0, 2.04, 4.0])
    joined = Joined(Path("all"), [a, source("b", 1, times=times)])
    np.testing.assert_array_equal(joined.header.times, [0, 2, 4])
    assert joined.header.sample_times is not None
    np.testing.assert_array_equal(joined.header.sample_times, [[0, 2, 4], [0, 2, 4], times])
    again = Joined(Path("more"), [a, joined])
    assert again.header.sample_times is not None
    np.testing.assert_array_equal(again.header.sample_times[-1], times)
    with pytest.raises(DataError, match=r"different times, by up to 0\.2") as caught:
        Joined(Path("all"), [a, source("b", 1, times=times + 0.16)])
    assert caught.value.remedy


def test_equal_stems_are_told_apart() -> None:
    joined = Joined(Path("all"), [source("a.nc", 1), source("a.nc4", 1)])
    assert joined.header.sample_names == ("a.nc", "a.nc4")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"dtype": np.dtype("f8")}, "type: float32 and float64"),
        ({"units": {"x": "m"}}, "units"),
        ({"times": np.arange(2.0)}, "number of frames: 3 and 2"),
        ({"static_fields": (Field(name="force"),)}, "static fields: none and force"),
        ({"coordinates": {"x": 0.5 * np.arange(4) + 0.1}}, "positions along x"),
    ],
)
def test_sources_of_different_structure_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(DataError, match=named) as caught:
        Joined(Path("all"), [source("a", 1), source("b", 1, **changes)])
    assert caught.value.remedy
