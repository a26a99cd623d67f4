"""Whatever is wrong with plain HDF5 or MATLAB's files, there are values or one clear error."""

import math
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matey_core.errors import MateyError
from matey_core.readers import READERS, ReaderOptions
from matey_core.readers.hdf5.contents import contents_of
from tests.property.test_damaged_hdf5 import HEADER, HOSTILE, edited, write
from tests.support_hdf5 import athena, dedalus, matlab73
from tests.support_well import wave

MATLAB = ReaderOptions(dims=("sample", "y", "x", "time"))
GROUPS = ReaderOptions(dims=("sample", "time", "y", "x"), fields=("u=*/u",))
MOST_BYTES = 2**26
damage = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)


def groups(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for sample in range(3):
            settings = {"compression": "gzip", "fletcher32": True}
            file.create_dataset(f"{sample}/u", data=wave(4, 5, 6), **settings)
            file[f"{sample}/nu"] = 0.1 * sample


def matlab5(path: Path) -> None:
    scipy.io.savemat(path, {"u": wave(3, 5, 6, 4), "c": np.array([1, "a"], object)})


def packed(path: Path) -> None:
    scipy.io.savemat(path, {"u": wave(3, 5, 6, 4), "visc": 0.1}, do_compression=True)


LAYOUTS: dict[str, tuple[Callable[[Path], object], ReaderOptions]] = {
    "dedalus": (dedalus, ReaderOptions()),
    "athena": (lambda path: athena(path, 1), ReaderOptions()),
    "groups": (groups, GROUPS),
    "matlab 7.3": (lambda path: matlab73(path, u=wave(3, 5, 6, 4)), MATLAB),
    "matlab 5": (matlab5, MATLAB),
    "matlab 5, packed": (packed, MATLAB),
}


def message(path: Path, options: ReaderOptions) -> str:
    """List, recognize, open and read; return what is said, or "" where there are values."""
    reader = READERS["hdf5"](options)
    reader.recognizes(path)
    reader.advice(path)
    try:
        contents_of(path)
        source = reader.open(path)
        header = source.header
        shape = (len(header.spec.fields), *header.spec.grid.shape)
        if 8 * math.prod(shape) < MOST_BYTES:
            assert source.read(len(header.sample_names) - 1, 0, 1).shape == (1, *shape)
            source.read_static(0)
    except MateyError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    for name, (make, options) in LAYOUTS.items():
        make(folder / name)
        assert message(folder / name, options) == ""
    return {name: (folder / name).read_bytes() for name in LAYOUTS}


READABLE = {name for name in HOSTILE if name == "ragged" or "times" in name or "coordinate" in name}
"""The array is right by itself; positions of another length than its dims are none."""


@damage
@given(layout=st.sampled_from(sorted(LAYOUTS)), share=st.floats(0.001, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(
    tmp_path: Path, originals: dict[str, bytes], layout: str, share: float
) -> None:
    original = originals[layout]
    (tmp_path / "cut").write_bytes(original[: int(share * len(original))])
    said = message(tmp_path / "cut", LAYOUTS[layout][1])
    # A file of MATLAB 5 may end after any variable.
    assert str(tmp_path / "cut") in said or (not said and "matlab 5" in layout)


@damage
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    edits=st.lists(
        st.tuples(st.integers(0, HEADER - 1), st.integers(0, 255)), min_size=1, max_size=8
    ),
)
def test_a_file_with_other_bytes_gives_values_or_an_error(
    tmp_path: Path, originals: dict[str, bytes], layout: str, edits: list[tuple[int, int]]
) -> None:
    (tmp_path / "edited").write_bytes(edited(originals[layout], edits))
    said = message(tmp_path / "edited", LAYOUTS[layout][1])
    assert not said or str(tmp_path / "edited") in said


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays_are_refused_or_left_out(tmp_path: Path, name: str) -> None:
    path = write("stacked", tmp_path / "hostile.h5")
    with h5py.File(path, "a") as file:
        HOSTILE[name](file)
    dims = ("sample", "time", "x", "y")
    said = message(path, ReaderOptions(dims=dims, fields=("density",)))
    assert (not said) == (name in READABLE)
    assert not said or str(path) in said
    if said and not message(path, ReaderOptions(dims=dims)):
        names = READERS["hdf5"](ReaderOptions(dims=dims)).open(path).header.spec.names
        assert "density" not in names
