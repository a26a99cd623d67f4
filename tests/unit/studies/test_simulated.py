"""Data that a study's file describes are made once, and are meant by their names."""

from pathlib import Path
from typing import Any

import pytest

from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.progress import silent
from matey_core.store import open_store
from matey_core.studies.expansion import points_of
from matey_core.studies.settings import StudyConfig
from matey_core.studies.simulated import simulate_missing

MODEL = {"variant": "fno", "width": 4, "depth": 1, "modes": 2}


def study_of(folder: Path, **changes: Any) -> StudyConfig:
    values: dict[str, Any] = {
        "simulated": str(folder),
        "simulation": {"simulator": "poisson", "grid": 8, "samples": 5, "settings": {"bumps": 2}},
        "simulations": {
            "old": [{}],
            "near": [{"seed": 100, "settings": {"eigenvalue": 5.0}}],
            "far": [{"seed": 200}],
        },
        "pretraining": {"data": "old", "model": MODEL, "history": 1, "max_lead": 1},
        "finetuning": {"data": "near"},
        "axes": {"finetuning": {"data": ["near"]}},
        "arms": {"full": {}, "other": {"settings": {"pretraining.data": "elsewhere"}}},
        **changes,
    }
    return validate(StudyConfig, values, source="test")


def test_names_mean_folders_that_are_made_where_they_are_missing(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    study.simulation["split"] = [0.4, 0.2, 0.4]
    points = points_of(study)
    assert [str(each.pretraining.data) for each in points] == [str(tmp_path / "old"), "elsewhere"]
    assert {str(each.evaluation.data) for each in points} == {str(tmp_path / "near")}
    assert points[0].at == {"finetuning.data": "near"}
    simulate_missing(study, points, silent)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["near", "old"]
    [place] = (tmp_path / "near/zarr").iterdir()
    store = open_store(place)
    assert store.spec.grid.shape == (8, 8)
    assert set(store.parameters["e"]) == {5.0}
    assert [len(store.samples(each)) for each in ("train", "validation", "test")] == [2, 1, 2]
    made = (place / "zarr.json").stat().st_mtime_ns
    simulate_missing(study, points, silent)
    assert (place / "zarr.json").stat().st_mtime_ns == made
    del study.simulation["split"]
    with pytest.raises(ConfigError, match=r"made with split \[0.4, 0.2, 0.4\], not \[0.8"):
        simulate_missing(study, points, silent)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"out": "there"}, "simulations.old: out cannot be set"),
        ({"sampels": 3}, "unknown setting 'sampels'"),
    ],
)
def test_a_wrong_simulation_is_refused_by_name(
    settings: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    study = study_of(tmp_path, simulations={"old": [settings]})
    with pytest.raises(ConfigError, match=expected):
        simulate_missing(study, (), silent)


def test_data_of_an_axis_stay_where_an_arm_has_other_data_before(tmp_path: Path) -> None:
    study = study_of(tmp_path, finetuning={}, axes={"finetuning": {"data": ["near", "far"]}})
    other = [each for each in points_of(study) if each.arm == "other"]
    for point, name in zip(other, ("near", "far"), strict=True):
        assert point.finetuning is not None
        assert str(point.finetuning.data) == str(point.evaluation.data) == str(tmp_path / name)
