"""A period that is stored with both its ends: the last point is the first again."""

from pathlib import Path

import numpy as np
import pytest

from matey_core.linting import Finding, lint_store
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare

TIMES = np.arange(8)[:, None]


def found(folder: Path, values: np.ndarray, **settings: object) -> tuple[Finding, ...]:
    """Findings in the store that is made of `(sample, time, y, x)` values."""
    folder.mkdir(exist_ok=True)
    np.save(folder / "u.npy", values.astype(np.float32))
    config = PrepareConfig(
        reader="array", source=folder, dims=("sample", "time", "y", "x"), boundary=("periodic",),
        check=False, overwrite=True, **settings,
    )  # fmt: skip
    (row,) = prepare(config).rows
    return lint_store(open_store(row.store), checks=("periodic",))


def waves(x: np.ndarray, speed: float = 0.3) -> np.ndarray:
    """(sample, time, 12, x) waves of period 1 that travel along x."""
    y = np.linspace(0, 2 * np.pi, 12, endpoint=False)[:, None]
    waves = [np.sin(2 * np.pi * x + speed * k * TIMES) + 2 for k in range(1, 5)]
    return np.stack([wave[:, None] * (2 + np.cos(y)) for wave in waves])


def test_both_ends_are_told_and_cropping_one_keeps_the_axis_periodic(tmp_path: Path) -> None:
    both = waves(np.linspace(0, 1, 33))
    (finding,) = found(tmp_path / "a", both)
    assert (finding.severity, finding.count) == ("warning", 4)
    assert finding.found == "along x, the last point is the first again, in all fields"
    assert "--crop x=0:32:" in finding.remedy
    assert found(tmp_path / "a", both, crop={"x": (0, 32)}) == ()
    store = open_store(tmp_path / "a" / "zarr" / "a.zarr")
    assert store.spec.grid.boundary == ("periodic", "periodic")
    assert store.spec.grid.shape == (12, 32)


def test_an_axis_that_loses_more_is_periodic_no_more(tmp_path: Path) -> None:
    found(tmp_path / "a", waves(np.linspace(0, 1, 33)), crop={"x": (0, 31)})
    store = open_store(tmp_path / "a" / "zarr" / "a.zarr")
    assert store.spec.grid.boundary == ("periodic", "unknown")


@pytest.mark.parametrize("kind", ["once", "mirror image", "at rest", "some samples"])
def test_equal_ends_that_are_no_double_point(tmp_path: Path, kind: str) -> None:
    x = np.linspace(0, 1, 33)
    values = {
        "once": waves(x[:-1]),
        "mirror image": waves((np.arange(32) + 0.5) / 32 + 0.25, speed=0),
        "at rest": waves(x) * np.exp(-(((x - 0.4) / 0.05) ** 2)),
        "some samples": np.concatenate([waves(x)[:2], waves(x * 0.99)[2:]]),
    }[kind]
    assert found(tmp_path / "a", values) == ()
