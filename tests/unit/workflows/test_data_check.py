"""Stores are found, linted together and reported; genuine files have nothing wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from matey_core.errors import ConfigError, DataError
from matey_core.progress import Progress
from matey_core.workflows.data_check import check_stores
from matey_core.workflows.data_inspect import inspect_data
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.s3 import s3_bucket
from tests.support import tiny_source, tiny_store
from tests.unit.linting.defects import values


def test_stores_of_a_folder_are_looked_at_once_and_together(tmp_path: Path) -> None:
    first = tiny_store(tmp_path, name="a_periodic")
    second = tiny_store(tmp_path, name="b_periodic")
    reports: list[Progress] = []
    report = check_stores([tmp_path, str(first)], on_progress=reports.append)
    assert [store.path for store in report.stores] == [first, second]
    assert (report.errors, report.warnings, report.notes) == (0, 1, 0)
    (copies,) = report.stores[1].findings
    assert copies.check == "duplicates"
    assert [store.num_bytes for store in report.stores] == [6 * 2 * 12 * 256 * 4] * 2
    ends = [each for each in reports if each.done == each.total]
    assert [each.task for each in ends] == ["check a_periodic", "check b_periodic"]


def test_errors_are_counted_and_a_limit_holds(tmp_path: Path) -> None:
    path = tiny_store(tmp_path)
    values(path, "density", 5)[0, 0, 0] = np.nan
    assert check_stores([path], checks=["finite"]).errors == 1
    limited = check_stores([path], limit=5)
    assert limited.errors == 0
    assert (limited.stores[0].samples, limited.stores[0].of_samples) == (5, 6)


def test_a_store_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    tiny_store(tmp_path, name="a_periodic")
    damaged = tiny_store(tmp_path, name="b_periodic", shape=(32,)) / "zarr.json"
    content = json.loads(damaged.read_text())
    del content["attributes"]["axes"]
    damaged.write_text(json.dumps(content))
    report = check_stores([tmp_path])
    assert report.errors == 1
    (found,) = report.stores[1].findings
    assert (found.check, found.severity) == ("read", "error")
    assert "axes" in found.found


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere is no store"):
        check_stores([tmp_path / "nowhere"])
    with pytest.raises(DataError, match="is no store"):
        check_stores([tmp_path / "nowhere.zarr"])
    path = tiny_store(tmp_path)
    with pytest.raises(ConfigError, match="unknown name 'finit' in linting") as caught:
        check_stores([path], checks=["finit"])
    assert "finite" in caught.value.remedy


@pytest.mark.parametrize("compress", ["none", pytest.param("lz4", marks=pytest.mark.slow)])
def test_genuine_files_have_no_errors(genuine: Path, tmp_path: Path, compress: str) -> None:
    prepare(PrepareConfig(source=genuine, out=tmp_path, compress=compress))
    report = check_stores([tmp_path])
    assert len(report.stores) == 11
    found = {
        (store.path.stem, f.severity, f.check) for store in report.stores for f in store.findings
    }
    # The reaction's update is lost to rounding in float32: the run stands still, as published.
    assert found == {("ReacDiff_Nu0.5_Rho1.0", "warning", "frozen")}


@pytest.mark.slow
def test_stores_in_object_storage(tmp_path: Path) -> None:
    source = tiny_source(tmp_path / "flow_periodic.hdf5")
    with s3_bucket() as bucket:
        prepare(PrepareConfig(source=source, out=bucket, compress="lz4"))
        report = check_stores([bucket])
        described = inspect_data(bucket)
    assert (report.errors, report.warnings, report.notes) == (0, 0, 0)
    assert report.stores[0].num_bytes == 6 * 2 * 12 * 256 * 4
    (item,) = described.items
    assert (item.kind, item.name) == ("store", "flow_periodic")
    assert 0 < item.num_bytes < item.value_bytes
    assert item.snapshots[0].values.shape == (3, 16, 16)
