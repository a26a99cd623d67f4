"""The reader for everything finds what the others know, and opens it as they do."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.errors import ConfigError, DataError, MateyWarning, NothingFoundError
from matey_core.readers import READERS, Header
from matey_core.readers.auto import AutoReader
from tests.support import tiny_source, tiny_store
from tests.support_well import well_dataset, well_file


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "a tree"
    tiny_source(folder / "pde" / "flow_Eta0.1.hdf5")
    tiny_source(folder / "pde" / "133021", fields=("height",))
    well_dataset(folder / "well")
    well_file(folder / "single_0.03.h5")
    (folder / "notes.txt").write_text("no data")
    return folder


def same(one: Header, other: Header) -> None:
    for name in Header.__dataclass_fields__:
        np.testing.assert_equal(getattr(one, name), getattr(other, name))


def test_every_source_is_found_and_opened_by_its_reader(tree: Path) -> None:
    auto = AutoReader()
    expected = {
        tree / "pde" / "133021": "pdebench",
        tree / "pde" / "flow_Eta0.1.hdf5": "pdebench",
        tree / "single_0.03.h5": "the_well",
        tree / "well": "the_well",
    }
    assert auto.find(tree) == list(expected)
    for path, name in expected.items():
        assert auto.reader_of(path) == name
        assert AutoReader().reader_of(path) == name
        ours, theirs = auto.open(path), READERS[name]().open(path)
        assert type(ours) is type(theirs)
        same(ours.header, theirs.header)
        np.testing.assert_array_equal(ours.read(1, 1, 3), theirs.read(1, 1, 3))
    assert [auto.stem(path.name) for path in expected] == [
        *("133021", "flow_Eta0.1", "single_0.03", "well")
    ]


def test_stores_and_excluded_folders_are_no_sources(tmp_path: Path) -> None:
    tiny_store(tmp_path)
    tiny_source(tmp_path / "out" / "x.h5")
    found = AutoReader().find(tmp_path, exclude=[tmp_path / "out"])
    assert found == [tmp_path / "tiny_periodic.hdf5"]


def test_nothing_found_lists_what_was_looked_at(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("no data")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["weights"] = np.ones(3)
    with pytest.raises(DataError) as caught:
        AutoReader().find(tmp_path)
    assert "0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more" in str(caught.value)
    assert "pdebench" in str(caught.value)
    with pytest.raises(DataError, match=r"weights\.h5 is nothing that a reader recognizes"):
        AutoReader().open(tmp_path / "weights.h5")


@pytest.mark.parametrize(("files", "place"), [(1, "waves/run_0.npy"), (3, "waves")])
def test_arrays_are_answered_with_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("waves")
    folder.mkdir()
    for number in range(files):
        np.save(folder / f"run_{number}.npy", np.zeros((3, 4, 5), np.float32))
    with pytest.raises(NothingFoundError) as caught:
        AutoReader().find(folder)
    assert f"matey prepare array {place} --dims time,y,x" in caught.value.remedy


def test_files_of_arrays_that_nobody_knows_are_named(tree: Path) -> None:
    with h5py.File(tree / "mine.h5", "w") as file:
        file["u"] = np.zeros((3, 4, 5))
    with pytest.warns(MateyWarning, match=r"left alone.*: mine\.h5\. `matey data inspect") as told:
        found = AutoReader().find(tree)
    assert tree / "mine.h5" not in found
    assert len(told) == 1


def test_a_damaged_file_stops_the_search(tree: Path) -> None:
    path = tree / "pde" / "133021"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="133021 is truncated"):
        AutoReader().find(tree)


def test_a_reader_without_its_packages_does_not_break_the_others(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = type(READERS).__getitem__

    def without(registry: object, name: str) -> object:
        if name == "pdebench":
            raise ConfigError("readers: 'pdebench' needs the package pdb.")
        return lookup(READERS, name)

    monkeypatch.setattr(type(READERS), "__getitem__", without)
    auto = AutoReader()
    with pytest.warns(MateyWarning, match="left alone"):
        assert auto.find(tree) == [tree / "single_0.03.h5", tree / "well"]
    with pytest.raises(DataError, match="needs the package pdb"):
        auto.find(tree / "pde")
