"""Lint stores: each is read once, and compared with the others."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matey_core.errors import DataError
from matey_core.linting import READ, Finding, FrameBlock, Linter
from matey_core.locations import location
from matey_core.progress import OnProgress, Progress, silent
from matey_core.store import find_stores, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheck:
    """What was found in one store."""

    path: Path
    samples: int
    """Samples looked at."""
    of_samples: int
    """Samples of the store."""
    num_bytes: int
    """Bytes of values read."""
    seconds: float
    findings: tuple[Finding, ...]
    """Errors first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was found in all stores."""

    stores: tuple[StoreCheck, ...]
    errors: int
    warnings: int
    notes: int


def check_stores(
    paths: Sequence[Path | str],
    *,
    checks: Sequence[str] | None = None,
    limit: int | None = None,
    on_progress: OnProgress = silent,
) -> CheckReport:
    """Look for defects in stores.

    Args:
        paths: stores, or folders with stores, on this machine or in object storage.
        checks: names of checks; all by default.
        limit: look at this many trajectories of each store at most, the first ones.
        on_progress: called with the number of bytes read.

    Raises:
        DataError: there is no store in one of the places.
        ConfigError: a check is not known.
    """
    linter = Linter(checks, limit=limit)
    found = tuple(_check(path, linter, on_progress) for path in _stores(paths))
    severities = [finding.severity for store in found for finding in store.findings]
    return CheckReport(
        stores=found,
        errors=severities.count("error"),
        warnings=severities.count("warning"),
        notes=severities.count("note"),
    )


def _stores(paths: Sequence[Path | str]) -> list[Path]:
    """All stores, each once."""
    found: list[Path] = []
    for place in map(location, paths):
        here = [path for path in find_stores(place) if (path / "zarr.json").is_file()]
        if not here:
            raise DataError(
                f"{place} is no store and has none in it, or in its folder zarr.",
                remedy="Name a store or a folder with stores; `matey prepare` makes them.",
            )
        found += here
    return list(dict.fromkeys(found))


def _check(path: Path, linter: Linter, on_progress: OnProgress) -> StoreCheck:
    began, done = time.monotonic(), 0
    try:
        store = open_store(path)
    except DataError as error:
        return _unopened(path, error)
    num_values = (
        linter.samples(store)
        * (len(store.spec.fields) * store.num_frames + len(store.static_fields))
        * math.prod(store.spec.grid.shape)
    )

    def on_block(block: FrameBlock) -> None:
        nonlocal done
        done += block.values.nbytes
        total = float(num_values * block.values.itemsize)
        on_progress(Progress(task=f"check {store.name}", done=float(done), total=total, unit="B"))

    findings = linter.lint(store, on_block)
    return StoreCheck(
        path=path,
        samples=linter.samples(store),
        of_samples=store.num_samples,
        num_bytes=done,
        seconds=time.monotonic() - began,
        findings=findings,
    )


def _unopened(path: Path, error: DataError) -> StoreCheck:
    damage = Finding(
        severity="error",
        check=READ,
        found=str(error).rstrip("."),
        expected="a store that can be opened",
        remedy=error.remedy,
    )
    return StoreCheck(
        path=path, samples=0, of_samples=0, num_bytes=0, seconds=0.0, findings=(damage,)
    )
