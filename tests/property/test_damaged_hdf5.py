"""Whatever is wrong with an HDF5 file, reading gives values or one clear error."""

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matey_core.containers import trial
from matey_core.errors import DataError, MateyError
from matey_core.readers import READERS
from tests.support import tiny_source
from tests.support_well import well_file

LAYOUTS = ("stacked", "grouped", "incompressible", "darcy", "well")
HEADER = 8192
"""Metadata of a small file lie in its first bytes."""
MOST_BYTES = 2**26
damage = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)


def write(layout: str, path: Path) -> Path:
    small = {"samples": 2, "frames": 3, "shape": (6, 4)}
    if layout == "stacked":
        return tiny_source(path, **small)
    if layout == "grouped":
        return tiny_source(path, **small, fields=("activator", "inhibitor"))
    if layout == "well":
        return well_file(path, **small)
    values = np.linspace(0, 1, 2 * 3 * 6 * 4 * 2, dtype=np.float32).reshape(2, 3, 6, 4, 2)
    with h5py.File(path, "w") as file:
        if layout == "darcy":
            file["tensor"], file["nu"] = values[:, :1, ..., 0], values[:, 0, ..., 1]
            file["x-coordinate"], file["y-coordinate"] = np.arange(6.0), np.arange(4.0)
        else:
            file["velocity"], file["particles"] = values, values[..., :1]
            file["t"] = np.tile(np.arange(3.0), (2, 1))
    return path


def messages(path: Path) -> list[str]:
    """Recognize, find, open and read with every reader; what each says, or "" where it reads."""
    found = []
    for name in ("pdebench", "the_well", "auto"):
        reader = READERS[name]()
        reader.recognizes(path)
        try:
            reader.find(path)
            source = reader.open(path)
            header = source.header
            last, frames = len(header.sample_names) - 1, len(header.times)
            shape = (len(header.spec.fields), *header.spec.grid.shape)
            if 8 * math.prod(shape) < MOST_BYTES:
                assert source.read(0, 0, 1).shape == (1, *shape)
                source.read(last, frames - 1, frames)
                source.read_static(last)
            found.append("")
        except MateyError as error:
            found.append(str(error))
    return found


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[None]:
    """A deadline of a tenth of what it is, as some of the damaged files are endless."""
    with pytest.MonkeyPatch.context() as patch:
        trial.end()
        patch.setattr(trial, "MOST_SECONDS", 0.2)
        yield
        trial.end()


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    files = {layout: write(layout, folder / f"{layout}.h5") for layout in LAYOUTS}
    assert all("" in messages(path) for path in files.values())
    return {layout: path.read_bytes() for layout, path in files.items()}


def edited(original: bytes, edits: list[tuple[int, int]]) -> bytes:
    """Overwrite bytes of the header."""
    data = bytearray(original)
    for position, value in edits:
        data[position % min(HEADER, len(data))] = value
    return bytes(data)


@damage
@given(layout=st.sampled_from(LAYOUTS), share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(
    tmp_path: Path, originals: dict[str, bytes], layout: str, share: float
) -> None:
    original = originals[layout]
    path = tmp_path / "cut.h5"
    path.write_bytes(original[: int(share * len(original))])
    assert all(str(path) in message for message in messages(path))


@damage
@given(
    layout=st.sampled_from(LAYOUTS),
    edits=st.lists(
        st.tuples(st.integers(0, HEADER - 1), st.integers(0, 255)), min_size=1, max_size=8
    ),
)
def test_a_file_with_other_bytes_in_its_header_gives_values_or_an_error(
    tmp_path: Path, originals: dict[str, bytes], layout: str, edits: list[tuple[int, int]]
) -> None:
    path = tmp_path / "edited.h5"
    path.write_bytes(edited(originals[layout], edits))
    assert all(str(path) in message for message in messages(path) if message)


def retyped(name: str, values: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        attributes = dict(file[name].attrs)
        del file[name]
        file[name] = values
        file[name].attrs.update(attributes)

    return change


def linked(link: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file["density"]
        file["density"] = link

    return change


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2, 3, 6, 4), np.float32)
    layout[...] = h5py.VirtualSource("/etc/passwd", "density", (2, 3, 6, 4))
    del file["density"]
    file.create_virtual_dataset("density", layout)


def external(file: h5py.File) -> None:
    del file["density"]
    file.create_dataset("density", (2, 3, 6, 4), np.float32, external=[("/etc/passwd", 0, 2304)])


def huge(file: h5py.File) -> None:
    del file["density"]
    file.create_dataset("density", (2**40, 2**10, 6, 4), np.float32, chunks=(1, 1, 6, 4))


def huge_and_begun(file: h5py.File) -> None:
    huge(file)
    file["density"][0, 0] = 1


def huge_coordinate(file: h5py.File) -> None:
    del file["x-coordinate"]
    file.create_dataset("x-coordinate", (2**40,), np.float32, chunks=(64,))


COMPOUND = np.zeros((2, 3, 6, 4), [("re", "f4"), ("im", "f4")])
HOSTILE = {
    "integers": retyped("density", np.ones((2, 3, 6, 4), np.int32)),
    "texts": retyped("density", np.full((2, 3, 6, 4), b"1.0")),
    "texts of any length": retyped("density", ["a", "b"]),
    "compound": retyped("density", COMPOUND),
    "complex": retyped("density", np.ones((2, 3, 6, 4), np.complex64)),
    "a number": retyped("density", 1.0),
    "no shape": retyped("density", h5py.Empty("f4")),
    "no samples": retyped("density", np.ones((0, 3, 6, 4), np.float32)),
    "ragged": retyped("density", np.ones((2, 3, 6, 5), np.float32)),
    "times that go back": retyped("t-coordinate", np.array([0, 2, 1, 3], np.float32)),
    "times that are nan": retyped("t-coordinate", np.array([0, np.nan, 1, 3], np.float32)),
    "times that are texts": retyped("t-coordinate", ["a", "b", "c", "d"]),
    "an external link": linked(h5py.ExternalLink("/etc/passwd", "/density")),
    "a soft link that loops": linked(h5py.SoftLink("/density")),
    "a soft link": linked(h5py.SoftLink("/Vx")),
    "virtual": virtual,
    "external": external,
    "huge": huge,
    "huge and begun": huge_and_begun,
    "huge coordinate": huge_coordinate,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays_are_refused_or_left_out(tmp_path: Path, name: str) -> None:
    path = write("stacked", tmp_path / "hostile.h5")
    with h5py.File(path, "a") as file:
        HOSTILE[name](file)
    found = messages(path)
    assert all(str(path) in message for message in found if message)
    if "" in found:
        # An array that lies elsewhere is none of the file's.
        assert READERS["pdebench"]().open(path).header.spec.names == ("velocity_x",)
        assert name in ("no shape", "virtual", "external") or "link" in name


def test_groups_that_are_links_are_left_out(tmp_path: Path) -> None:
    outside = write("grouped", tmp_path / "outside.h5")
    path = write("grouped", tmp_path / "links.h5")
    with h5py.File(path, "a") as file:
        file["0001"] = h5py.ExternalLink(outside.name, "/0000")
        file["0003"] = h5py.SoftLink("/0000")
        file["loop"] = file["/"]
    assert READERS["pdebench"]().open(path).header.sample_names == ("0000", "0002")


def test_names_that_differ_in_case_are_different(tmp_path: Path) -> None:
    path = write("stacked", tmp_path / "case.h5")
    with h5py.File(path, "a") as file:
        file["Density"] = np.ones((7, 7))
        file["vx"] = np.ones(3)
    header = READERS["pdebench"]().open(path).header
    assert header.spec.names == ("density", "velocity_x")


def test_paths_in_any_script_and_with_spaces(tmp_path: Path) -> None:
    for layout in LAYOUTS:
        path = tmp_path / "données — 数据" / f"{layout} ß.h5"
        path.parent.mkdir(exist_ok=True)
        assert "" in messages(write(layout, path))


def test_a_file_that_is_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop.h5").symlink_to(tmp_path / "loop.h5")
    path = tmp_path / "loop.h5"
    assert not READERS["auto"]().recognizes(path)
    assert all(str(path) in message for message in messages(path))
    with pytest.raises(DataError):
        READERS["auto"]().find(tmp_path)


def test_real_files_damaged_in_many_places(tmp_path: Path, pdebench: Path) -> None:
    random = np.random.default_rng(0)
    for original in sorted(path for path in pdebench.rglob("*.h*5")):
        start = original.read_bytes()[: 2**17]
        path = tmp_path / original.name
        for cut in (*(0, 7, 8, 96, 800), *random.integers(0, len(start), 3)):
            path.write_bytes(start[:cut])
            assert all(str(path) in message for message in messages(path))
        if original.stat().st_size > 3e6:
            continue
        shutil.copyfile(original, path)
        whole = path.read_bytes()
        for _ in range(10):
            edits = [tuple(random.integers(0, (HEADER, 256))) for _ in range(4)]
            path.write_bytes(edited(whole, edits))
            assert all(str(path) in message for message in messages(path) if message)
