"""The same conversion on a cluster: a scheduler and two worker processes on this machine."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest
from distributed import LocalCluster

from matey_core.conversion import cluster
from matey_core.errors import ConfigError, DataError
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.round_trip import assert_equals_source
from tests.support import files_below, tiny_source


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, scheduler_port=0
    ) as started:
        yield started.scheduler_address


def test_a_cluster_writes_the_same_bytes(tmp_path: Path, address: str) -> None:
    source = tiny_source(tmp_path / "flow.h5", samples=9)
    prepare(PrepareConfig(source=source, out=tmp_path / "here", workers=1))
    command = [sys.executable, "-m", "matey_cli", "prepare", "pdebench", str(source)]
    command += ["--out", str(tmp_path / "there"), "--dask", address]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert files_below(tmp_path / "there") == files_below(tmp_path / "here")


@pytest.mark.slow
def test_every_shared_file_comes_back_from_a_cluster(
    tmp_path: Path, address: str, shared_data: Path
) -> None:
    config = PrepareConfig(
        reader="auto", source=shared_data, out=tmp_path, dask=address, check=False
    )
    rows = prepare(config).rows
    assert len(rows) == 15
    for row in rows:
        assert_equals_source(row)


def test_a_fault_in_the_data_is_told_as_without_a_cluster(tmp_path: Path, address: str) -> None:
    path = tiny_source(tmp_path / "flow.h5")
    with h5py.File(path, "r+") as file:
        file["density"][4, 7, 0, 0] = float("nan")
    with pytest.raises(DataError, match="density of sample 4 has 1 values"):
        prepare(PrepareConfig(source=path, out=tmp_path / "out", dask=address))
    assert not (tmp_path / "out").exists()


def test_no_scheduler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    path = tiny_source(tmp_path / "flow.h5")
    with pytest.raises(ConfigError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:1"):
        prepare(PrepareConfig(source=path, dask="tcp://127.0.0.1:1"))
