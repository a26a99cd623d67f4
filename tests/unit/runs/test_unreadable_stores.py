"""A store that cannot be read is left out, and said; the others are there."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from matey_core.errors import DataError, MateyWarning
from matey_core.runs.folder import StoreRecord
from matey_core.runs.sources import open_stores
from matey_core.runs.trained import Trained, moving_stores
from matey_core.workflows.tokenize_inspect.source import first_store, open_frames
from tests.support import tiny_store


def damage(store: Path, how: str) -> None:
    """Make a store unreadable: a name that no field may have, another layout, or half a file."""
    file = store / "zarr.json"
    described = json.loads(file.read_text())
    if how == "name":
        described["attributes"]["fields"][0]["name"] = "../u"
    if how == "layout":
        described["attributes"]["matey_layout"] = 99
    text = json.dumps(described)
    file.write_text(text[: len(text) // 2] if how == "cut" else text)


@pytest.mark.parametrize("how", ["name", "layout", "cut"])
def test_the_other_stores_of_a_folder_are_opened(tmp_path: Path, how: str) -> None:
    damage(tiny_store(tmp_path, name="bad"), how)
    tiny_store(tmp_path, name="good")
    for opened in (open_stores, moving_stores):
        with pytest.warns(MateyWarning, match=r"cannot be read is left out: .*bad\.zarr") as told:
            stores = opened(tmp_path)
        assert [store.name for store in stores] == ["good"]
        assert len(told) == 1
    for frames in (first_store, lambda folder: open_frames(folder, data=folder)):
        with pytest.warns(MateyWarning, match=r"bad\.zarr"):
            assert frames(tmp_path).path.stem == "good"


def test_a_folder_without_a_readable_store_is_an_error(tmp_path: Path) -> None:
    damage(tiny_store(tmp_path, name="bad"), "layout")
    for opened in (open_stores, moving_stores):
        with pytest.raises(DataError, match="matey_layout 99"):
            opened(tmp_path)


def test_a_store_that_a_run_records_many_times_is_opened_once(tmp_path: Path) -> None:
    path = str(tiny_store(tmp_path, name="good"))
    record = StoreRecord(name="good", fingerprint="0", path=path, fields=("density",))
    run = Trained(path=tmp_path, out=tmp_path, records=(record,) * 1000)
    assert [store.name for store in run.open_stores()] == ["good"]


CHUNKS = ("consolidated_metadata", "metadata", "x", "chunk_grid", "configuration", "chunk_shape")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("consolidated_metadata", "metadata", "split", "shape"), [2**70]),
        (CHUNKS, [0]),
        (("attributes", "fields", 0, "missing"), math.inf),
        (("attributes", "fields"), []),
        (("attributes", "axes"), {}),
        (("attributes", "spacing"), None),
        (("attributes", "provenance"), None),
    ],
)
def test_metadata_of_any_damage_lock_no_folder(
    tmp_path: Path, path: tuple[str | int, ...], value: Any
) -> None:
    bad = tiny_store(tmp_path, name="bad")
    tiny_store(tmp_path, name="good")
    described = json.loads((bad / "zarr.json").read_text())
    inner = described
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (bad / "zarr.json").write_text(json.dumps(described))
    with pytest.warns(MateyWarning, match=r"bad\.zarr"):
        assert [store.name for store in open_stores(tmp_path)] == ["good"]
