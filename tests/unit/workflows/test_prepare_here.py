"""A source may be written as a path that does not name it, such as `.`."""

from pathlib import Path

import numpy as np
import pytest
import zarr

from matey_core.readers import READERS
from matey_core.store import find_stores, open_store
from matey_core.workflows.data_check import check_stores
from matey_core.workflows.data_inspect import inspect_data
from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.prepare.store_names import store_names
from tests.support_well import well_file


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    (folder / "inner").mkdir(parents=True)
    for number in range(4):
        values = np.random.default_rng(number).normal(size=(5, 8, 6)).astype(np.float32)
        np.save(folder / f"run{number}.npy", values)
    return folder


@pytest.mark.parametrize(
    ("start", "written"),
    [
        (".", "."),
        (".", "./"),
        ("inner", ".."),
        ("inner", "../inner/.."),
        (".", "inner/.."),
        ("..", "runs"),
    ],
)
def test_a_store_is_named_after_the_folder(
    runs: Path, monkeypatch: pytest.MonkeyPatch, start: str, written: str
) -> None:
    monkeypatch.chdir(runs / start)
    config = PrepareConfig(source=Path(written), reader="array", dims=("time", "y", "x"))
    (row,) = prepare(config).rows
    assert (row.status, row.store.name, row.samples) == ("converted", "runs.zarr", 4)
    assert open_store(row.store).provenance["source"] == "runs"
    assert check_stores([config.stores]).errors == 0
    assert [path.resolve() for path in find_stores(Path(written))] == [runs / "zarr" / "runs.zarr"]
    (again,) = prepare(config).rows
    assert (again.status, again.store.name) == ("unchanged", "runs.zarr")


def test_the_description_of_this_folder_has_its_name(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs)
    options = PrepareConfig(source=Path(), reader="array", dims=("time", "y", "x")).options
    (found,) = inspect_data(".", reader="array", options=options).items
    assert found.name == "runs"


@pytest.mark.parametrize("name", ["", ".h5", ".hdf5"])
def test_a_source_without_a_name_gets_one(name: str) -> None:
    source = Path("/") / name
    stem = READERS["pdebench"]().stem
    names = store_names([source], Path("/"), known={}, taken=(), stem=stem)
    assert names == {source: "data"}


@pytest.mark.parametrize(("start", "written"), [("test", "."), ("test", "a.hdf5"), (".", "test")])
def test_the_splits_of_the_well_are_known_from_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, written: str
) -> None:
    for split in ("train", "test"):
        (tmp_path / "data" / split).mkdir(parents=True)
        well_file(tmp_path / "data" / split / "a.hdf5")
    monkeypatch.chdir(tmp_path / "data" / start)
    config = PrepareConfig(source=Path(written), reader="the_well", out=tmp_path / "out")
    (row,) = prepare(config).rows
    assert row.splits == (0, 0, 2)


@pytest.mark.parametrize(
    ("source", "stores"),
    [("d/a.zarr", "d/zarr"), (".", "../zarr"), ("zarr", "stores"), ("d/a.npy", "d/zarr")],
)
def test_stores_never_lie_in_a_zarr_that_is_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, stores: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    if source.endswith(".npy"):
        np.save(source, np.zeros(3))
    else:
        zarr.open_group(source, mode="a")
    assert PrepareConfig(reader="array", source=Path(source)).stores == Path(stores)
