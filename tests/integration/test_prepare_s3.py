"""Stores in object storage: written, taken up again, read."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray

from matey_core.conversion.bucket import Bucket
from matey_core.errors import DataError
from matey_core.locations import location
from matey_core.readers import READERS, Source
from matey_core.store import Split, find_stores, open_store, write_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.round_trip import assert_equals_source
from tests.s3 import s3_bucket
from tests.support import Failing, advected, files_below, tiny_source


@pytest.fixture
def bucket() -> Iterator[str]:
    with s3_bucket() as url:
        yield url


def objects(url: str) -> dict[str, bytes]:
    place = location(url)
    fs = place.fs  # type: ignore[attr-defined]
    fs.invalidate_cache()
    root = str(place.path).rstrip("/")  # type: ignore[attr-defined]
    return {key.removeprefix(root + "/"): fs.cat_file(key) for key in fs.find(root)}


@pytest.mark.parametrize("compress", [pytest.param("none", marks=pytest.mark.slow), "lz4"])
def test_a_bucket_holds_what_a_folder_would(tmp_path: Path, bucket: str, compress: str) -> None:
    source = tiny_source(tmp_path / "flow.h5")
    command = [sys.executable, "-m", "matey_cli", "prepare", "pdebench", str(source)]
    command += ["--compress", compress, "--out"]
    subprocess.run([*command, str(tmp_path / "zarr")], check=True, capture_output=True)
    done = subprocess.run([*command, f"{bucket}/data"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert objects(f"{bucket}/data") == files_below(tmp_path / "zarr")

    (path,) = find_stores(location(f"{bucket}/data"))
    expected = advected((16, 16), samples=6, frames=12, fields=2)
    store = open_store(path)
    np.testing.assert_array_equal(store.read(3, 2, 9), expected[3, 2:9])
    with xarray.open_zarr(f"{bucket}/data/flow.zarr") as data:
        np.testing.assert_array_equal(data["velocity_x"].values, expected[:, :, 1])

    again = subprocess.run([*command, f"{bucket}/data"], capture_output=True, text=True)
    assert again.returncode == 0
    assert "up to date" in again.stderr
    assert "Unclosed" not in done.stderr + again.stderr


@pytest.mark.slow
def test_every_shared_file_comes_back_from_a_bucket(bucket: str, shared_data: Path) -> None:
    out = location(f"{bucket}/all")
    rows = prepare(PrepareConfig(reader="auto", source=shared_data, out=out, check=False)).rows
    assert len(rows) == 15
    for row in rows:
        assert_equals_source(row)


def test_what_was_finished_is_kept_and_nothing_half_is_a_store(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bucket, "patience", 0.0)
    source = READERS["pdebench"]().open(tiny_source(tmp_path / "flow.h5"))
    path = location(f"{bucket}/flow.zarr")

    def write(source: Source, path: Path) -> None:
        write_store(source, path, num_samples=6, split=Split(), provenance=dict)

    write(source, path)
    # Object storage renames nothing: from the start of a new conversion the old store is gone.
    with pytest.raises(KeyboardInterrupt):
        write_store(
            Failing(source, KeyboardInterrupt()),
            path,
            num_samples=6,
            split=Split(),
            provenance=dict,
            plan={"other": True},
        )
    assert find_stores(location(bucket)) == []
    with pytest.raises(DataError):
        open_store(path)
    healed = Failing(source, None)
    write_store(healed, path, num_samples=6, split=Split(), provenance=dict, plan={"other": True})
    assert healed.reads == [3, 4, 5]
    write(source, tmp_path / "flow.zarr")
    assert objects(f"{bucket}/flow.zarr") == files_below(tmp_path / "flow.zarr")
    assert set(objects(bucket)) == {
        f"flow.zarr/{name}" for name in files_below(tmp_path / "flow.zarr")
    }
