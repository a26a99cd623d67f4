"""Real defects: bytes of a store changed on the disk after it was written."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from matey_core.linting import Finding, lint_store
from matey_core.store import open_store

FRAMES = 12


def values(path: Path, field: str, sample: int) -> np.ndarray:
    """The frames of an uncompressed field, as the bytes on the disk that can be changed."""
    (file,) = [each for each in (path / field / "c" / str(sample)).rglob("*") if each.is_file()]
    space = open_store(path).spec.grid.shape
    return np.memmap(file, "<f4", "r+").reshape(-1, *space)[:FRAMES]


def vector(path: Path, name: str) -> np.ndarray:
    """A small array of the store, as the bytes on the disk."""
    array = json.loads((path / name / "zarr.json").read_text())
    return np.memmap(path / name / "c" / "0", array["data_type"], "r+")


def rewrite(path: Path, **attributes: Any) -> None:
    """Change attributes of the store."""
    file = path / "zarr.json"
    found = json.loads(file.read_text())
    found["attributes"].update(attributes)
    file.write_text(json.dumps(found))


def declare(path: Path, field: str, **described: Any) -> None:
    """Change what the store says of a field."""
    fields = json.loads((path / "zarr.json").read_text())["attributes"]["fields"]
    for each in fields:
        if each["name"] == field:
            each.update(described)
    rewrite(path, fields=fields)


def findings(path: Path, *checks: str) -> tuple[Finding, ...]:
    """What some checks, or all, find in a store."""
    return lint_store(open_store(path), checks=checks or None)
