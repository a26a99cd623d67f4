"""A source that takes the place of another between a stop and the next call is read anew."""

import os
from pathlib import Path

import numpy as np
import pytest

from matey_core.store import open_store
from matey_core.workflows import prepare as workflow
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import Failing

SHAPE = (6, 5, 8)
"""(sample, time, x)"""


@pytest.mark.parametrize("is_in_place", [True, False])
def test_no_store_is_of_two_sources(
    is_in_place: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npy"
    values = np.random.default_rng(0).normal(size=SHAPE).astype("f4")
    np.save(path, values)
    config = PrepareConfig(source=path, reader="array", dims=("sample", "time", "x"), workers=1)
    plain = workflow.write_store

    def stopped(source, *arguments, **options):  # type: ignore[no-untyped-def]
        return plain(Failing(source, KeyboardInterrupt()), *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(workflow, "write_store", stopped)
        with pytest.raises(KeyboardInterrupt):
            prepare(config)
    assert (tmp_path / "zarr/a.zarr.partial/journal.jsonl").exists()
    before = path.stat()
    target = path if is_in_place else tmp_path / "b.new"
    content = bytearray(path.read_bytes())
    content[-values.nbytes :] = (-values).tobytes()
    target.write_bytes(content)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    target.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    prepare(config)
    store = open_store(tmp_path / "zarr/a.zarr")
    for sample in range(SHAPE[0]):
        np.testing.assert_array_equal(store.read(sample, 0, 5)[:, 0], -values[sample])
