"""Studies in files: what a kind decides itself stands in none."""

from pathlib import Path

import pytest

from matey_core.errors import ConfigError
from matey_core.studies.kinds import Way
from matey_core.studies.kinds.equal_cost import EqualCostStudy
from matey_core.studies.reading import read_study
from matey_core.studies.settings import StudyConfig


@pytest.mark.parametrize(
    ("name", "assignment", "expected"),
    [
        ("equal-cost", "training.steps=500", "training.steps has no effect"),
        ("equal-cost", "training.data=elsewhere", "training.data has no effect"),
        ("criterion", "runs=elsewhere", "`runs` is not a setting of a study's file"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    name: str, assignment: str, expected: str, tmp_path: Path
) -> None:
    study = read_study(Path(name), (assignment,))
    with pytest.raises(ConfigError, match=expected):
        study.carry_out(Way(out=tmp_path / "out", runs=tmp_path))


def test_settings_of_version_0_1_are_read_in_the_training_of_equal_cost() -> None:
    assignments = ("training.learning_rate=5e-4", "training.noise=0.2")
    study = read_study(Path("equal-cost"), assignments)
    assert isinstance(study, EqualCostStudy)
    assert study.training.optimizer.learning_rate == 5e-4
    assert study.training.augment[0].strength == 0.2


def test_a_name_that_is_no_file_lists_the_studies_there_are() -> None:
    with pytest.raises(ConfigError, match="matey comes with arena, criterion, equal-cost"):
        read_study(Path("low_sample"))


def test_a_folder_of_that_name_does_not_hide_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("low-sample").mkdir()
    assert isinstance(read_study(Path("low-sample")), StudyConfig)


def test_a_scale_is_laid_over_a_file_and_assignments_over_both() -> None:
    small = read_study(Path("transfer-scaling"))
    large = read_study(Path("transfer-scaling"), ("scale=gpu", "simulation.samples=100"))
    assert isinstance(small, StudyConfig)
    assert isinstance(large, StudyConfig)
    assert (small.simulation["grid"], small.simulation["samples"]) == (32, 640)
    assert (large.simulation["grid"], large.simulation["samples"]) == (128, 100)
    assert large.pretraining["given"] == small.pretraining["given"]
    assert large.name != small.name
    assert large.simulations["poisson-in"] == small.simulations["poisson-in"]


def test_a_scale_that_a_file_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="no scale 'gup'; there are: gpu"):
        read_study(Path("transfer-scaling"), ("scale=gup",))
    with pytest.raises(ConfigError, match="no scale 'gpu'; there are: none"):
        read_study(Path("arena"), ("scale=gpu",))
