"""Shared files become the same bytes as ever, however many processes convert them."""

import hashlib
import json
from pathlib import Path

import pytest

from matey_core.conversion import ahead, work
from matey_core.store import writer
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import files_below

RECORDED = json.loads(Path(__file__).with_name("prepare_bytes.json").read_text())
"""Store → SHA-256 of its chunks, from the code of 21 November 2026."""
FEW = 64 * 2**10
"""Bytes of a portion, so that small files have many."""


def converted(source: Path, out: Path, **settings: int) -> dict[str, bytes]:
    prepare(PrepareConfig(reader="auto", source=source, out=out, check=False, **settings))
    return files_below(out)


def digests(files: dict[str, bytes]) -> dict[str, str]:
    """Hash names and contents by store, without metadata, which name paths and versions."""
    found: dict[str, hashlib._Hash] = {}
    for name in sorted(name for name in files if not name.endswith("zarr.json")):
        store, _, inner = name.partition("/")
        digest = found.setdefault(store, hashlib.sha256())
        digest.update(f"{inner} {len(files[name])} ".encode())
        digest.update(files[name])
    return {store: digest.hexdigest() for store, digest in found.items()}


@pytest.mark.slow
def test_shared_files_become_the_same_bytes(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = converted(shared_data, tmp_path / "whole", workers=1)
    assert digests(whole) == RECORDED
    monkeypatch.setattr(writer, "TASK_BYTES", FEW)
    monkeypatch.setattr(ahead, "MOST_KEPT", 4 * FEW)
    assert converted(shared_data, tmp_path / "shared", workers=2, memory=2**29) == whole
    monkeypatch.setattr(work, "READ_BYTES", FEW)  # means are then of other sums, in the last digit
    assert digests(converted(shared_data, tmp_path / "pieces", workers=1)) == RECORDED
