"""Cells that lie in the repository are those that today's settings ask for."""

import json
from pathlib import Path

from matey_core.cells import cell_of
from matey_core.studies.arena.stages import final_of
from matey_core.studies.expansion import points_of
from matey_core.studies.kinds.arena import ArenaStudy
from matey_core.studies.kinds.training import TrainingStudy
from matey_core.studies.reading import read_study

KEPT = Path(__file__).parents[3] / "docs/results/arena"
TURBULENCE = ("374604ec686e",)
"""Fingerprint of the store, as `matey info` says it."""
STEPS = {"pyramid": 1013, "fno": 1060, "unet": 759}


def test_a_new_setting_leaves_the_cells_of_the_arena_what_they_are() -> None:
    """If this fails after a setting was added, name it in `matey_core.cells.LATER`."""
    study = read_study(KEPT / "arena.toml", ())
    assert isinstance(study, ArenaStudy)
    lines = map(json.loads, (KEPT / "cells.jsonl").read_text("utf-8").splitlines())
    known = {(row["key"], row["arm"]) for row in lines if row["event"] == "cell"}
    rates = dict.fromkeys(study.arms, (4e-3,))
    points = points_of(final_of(study, Path("turbulence"), rates))
    asked = {
        (
            cell_of(
                point,
                steps=STEPS[point.arm],
                precision="bfloat16" if point.arm == "pyramid" else "float32",
                runs=Path("runs"),
                fingerprints=lambda _: TURBULENCE,
            ).key,
            point.arm,
        )
        for point in points
    }
    assert len(asked) == 9  # three arms, three seeds
    assert asked <= known


def test_a_forecast_has_a_cell_for_each_choice_of_what_it_is_fitted_to() -> None:
    study = read_study(Path("low-sample"))
    assert isinstance(study, TrainingStudy)
    keys: dict[str, set[str]] = {"ridge": set(), "local_linear": set()}
    for point in points_of(study):
        if point.forecast:
            cell = cell_of(
                point,
                steps=1,
                precision="float32",
                runs=Path("runs"),
                fingerprints=lambda folder: (str(folder),),
            )
            assert cell.first == ""
            keys[point.arm].add(cell.key)
    assert {arm: len(each) for arm, each in keys.items()} == {"ridge": 30, "local_linear": 2}


def test_ways_of_not_training_leave_cells_of_before_what_they_are() -> None:
    """Hashes of before a fine-tuning could have a source, or an arm a forecast."""
    study = read_study(Path("strategies"))
    assert isinstance(study, TrainingStudy)
    points = {point.arm: point for point in reversed(points_of(study))}
    keys = {
        arm: cell_of(
            points[arm],
            steps=7,
            precision="float32",
            runs=Path("runs"),
            fingerprints=lambda folder: (str(folder),),
        ).key
        for arm in ("none", "transfer")
    }
    assert keys == {"none": "bd4cc8f4e66c", "transfer": "8f2f6650fa0b"}
