"""Defects of single values and fields are found at their place."""

from pathlib import Path

import numpy as np
import pytest

from matey_core.store import open_store
from tests.support import tiny_store
from tests.unit.linting.defects import declare, findings, rewrite, values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tiny_store(tmp_path)


def test_a_nan_is_found_at_its_place(path: Path) -> None:
    values(path, "velocity_x", 2)[7, 3, 5] = np.nan
    values(path, "velocity_x", 4)[1, 0, 0] = np.nan
    (found,) = findings(path, "finite")
    assert (found.severity, found.check, found.field) == ("error", "finite", "velocity_x")
    assert (found.sample, found.frame, found.cell) == ("2", 7, (3, 5))
    assert found.found == f"2 NaN ({100 * 2 / (6 * 12 * 256):.3g} %)"
    assert (found.expected, found.count) == ("none", 2)
    assert "density" not in {each.field for each in findings(path)}


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinity_is_no_missing_value(path: Path, value: float) -> None:
    values(path, "density", 0)[0, 15, 1:3] = value
    declare(path, "density", missing=2)
    (found,) = findings(path, "finite")
    assert (found.severity, found.found) == ("error", "2 infinite values")
    assert (found.frame, found.cell) == (0, (15, 1))


def test_declared_missing_values_are_a_note_with_their_share(path: Path) -> None:
    for sample in range(6):
        values(path, "density", sample)[:, :4, :4] = np.nan
    declare(path, "density", missing=6 * 12 * 16)
    (found,) = findings(path, "finite")
    assert (found.severity, found.count) == ("note", 6)
    assert found.found == "1,152 NaN (6.25 %)"
    values(path, "density", 3)[5, 9, 9] = np.nan
    (found,) = findings(path, "finite")
    assert found.severity == "error"
    assert found.expected == "1,152, as the store declares"


@pytest.mark.parametrize("mark", [1e20, -1e30, 9.96921e36, -9999.0, -999.9, 99999.0, -32768.0])
def test_a_mark_of_missing_values_is_found(path: Path, mark: float) -> None:
    assert findings(path, "marks") == ()
    for sample in (1, 3):
        values(path, "density", sample)[4:, 2:4, :8] = mark
    (found,) = findings(path, "marks")
    assert (found.severity, found.field, found.sample) == ("warning", "density", "1")
    assert (found.frame, found.count) == (4, 2)
    assert found.found.startswith(f"{mark:g} in 6.25 % of the points")
    assert "missing_value" in found.remedy


@pytest.mark.parametrize(
    ("number", "frames", "is_mark"),
    [(5e5, slice(None), True), (5e5, slice(0, 1), False), (5.0, slice(None), False)],
)
def test_a_number_that_is_none_of_the_usual_marks_stands_in_every_frame(
    path: Path, number: float, frames: slice, is_mark: bool
) -> None:
    for sample in range(6):
        values(path, "density", sample)[frames, :3, :3] = number
    assert len(findings(path, "marks")) == is_mark


def test_a_negative_density_is_found_where_it_is_worst(path: Path) -> None:
    declare(path, "density", bounds=[0.0, None])
    assert findings(path, "bounds") == ()
    values(path, "density", 1)[2, 4, 4] = -0.5
    values(path, "density", 5)[11, 8, 2] = -0.75
    (found,) = findings(path, "bounds")
    assert (found.severity, found.field, found.sample) == ("error", "density", "5")
    assert (found.frame, found.cell, found.count) == (11, (8, 2), 2)
    assert (found.found, found.expected) == ("-0.75", "≥ 0")


def test_a_bound_may_be_met_up_to_rounding(path: Path) -> None:
    top = float(max(values(path, "density", sample).max() for sample in range(6)))
    declare(path, "density", bounds=[None, top * (1 - 5e-8)])
    assert findings(path, "bounds") == ()
    declare(path, "density", bounds=[None, top * (1 - 1e-6)])
    assert [found.expected for found in findings(path, "bounds")] == [f"≤ {top:g}"]


def test_constant_fields_and_constant_samples(path: Path) -> None:
    values(path, "velocity_x", 3)[:] = 1.5
    (found,) = findings(path, "constant")
    assert (found.severity, found.sample, found.count) == ("note", "3", 1)
    for sample in range(6):
        values(path, "velocity_x", sample)[:] = 1.5
    (found,) = findings(path, "constant")
    assert (found.severity, found.field, found.sample) == ("warning", "velocity_x", "")
    assert found.found == "1.5 everywhere, in all 6 samples"


def test_a_changed_training_value_shows_in_the_statistics(path: Path) -> None:
    store = open_store(path)
    assert findings(path, "statistics") == ()
    values(path, "density", store.samples("test")[0])[3] += 1
    assert findings(path, "statistics") == ()
    frame = values(path, "density", store.samples("train")[1])[3]
    frame[2, 2] += 0.5 if frame[2, 2] < frame.max() - 0.5 else -0.5
    (found,) = findings(path, "statistics")
    assert (found.severity, found.field, found.split) == ("error", "density", "train")
    assert found.found.startswith("mean is ")


@pytest.mark.parametrize(("rate", "severity"), [(5e-6, None), (2e-4, "warning"), (3e-3, "error")])
def test_drift_of_a_conserved_mean(path: Path, rate: float, severity: str | None) -> None:
    rewrite(path, conserved=["density"])
    field = values(path, "density", 4)
    size = np.sqrt(np.square(field.astype(np.float64)).mean((1, 2)).max())
    field *= (1 + rate * np.arange(12, dtype=np.float32))[:, None, None]
    found = findings(path, "conserved")
    assert [each.severity for each in found] == ([severity] if severity else [])
    if found:
        assert (found[0].sample, found[0].frame, found[0].count) == ("4", 11, 1)
        drift = float(found[0].found.split()[4])
        assert drift == pytest.approx(11 * rate * field[0].mean() / size, rel=0.06)


def test_only_what_is_declared_must_be_conserved(path: Path) -> None:
    rewrite(path, conserved=[])
    values(path, "density", 4)[5:] *= 2
    assert findings(path, "conserved") == ()
