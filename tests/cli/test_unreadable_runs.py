"""A run that cannot be read is passed over by commands that take the newest one."""

import shutil
from pathlib import Path

import pytest

from tests.command import Matey
from tests.training import TOML, events


@pytest.fixture
def place(project: Path, tmp_path: Path, matey: Matey) -> Path:
    """Two runs of one step; the second one is the newer."""
    (tmp_path / "data").symlink_to(project / "data")
    (tmp_path / "settings.toml").write_text(TOML)
    line = ("pretrain", "--config", "settings.toml", "--device", "cpu", "--steps", 1)
    for _ in range(2):
        assert matey(*line, cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.mark.parametrize("file", ["versions.json", "config.toml", "data.json"])
def test_the_newest_run_that_can_be_read_is_taken(matey: Matey, place: Path, file: str) -> None:
    broken = place / "runs/pretrain-002"
    (broken / file).write_text("{")
    tuned = matey("finetune", "--steps", 1, "--device", "cpu", cwd=place)
    assert tuned.returncode == 0, tuned.stderr
    assert tuned.stderr.count("runs/pretrain-002 is left out: ") == 1
    assert f"runs/pretrain-002/{file}" in tuned.stderr
    config = (place / "runs/finetune-001/config.toml").read_text()
    assert 'source = "runs/pretrain-001/model"' in config

    resumed = matey("pretrain", "--resume", "--steps", 2, cwd=place)
    assert resumed.returncode == 0, resumed.stderr
    assert len(events(place / "runs/pretrain-001", "step")) == 2

    named = matey("finetune", "pretrain-002", "--steps", 1, cwd=place)
    assert (named.returncode == 2) == (file != "versions.json")


def test_a_named_run_goes_on_without_the_record_of_its_making(matey: Matey, place: Path) -> None:
    """A full disk leaves it empty."""
    (place / "runs/pretrain-002/versions.json").write_text("")
    for line in (
        ("info", "pretrain-002"),
        ("compare", "pretrain-001", "pretrain-002"),
        ("pretrain", "--resume", "--name", "pretrain-002", "--steps", 2),
    ):
        done = matey(*line, cwd=place)
        assert done.returncode == 0, done.stderr
        assert "Nothing is known of when and with what pretrain-002 was made." in done.stderr
    assert len(events(place / "runs/pretrain-002", "step")) == 2


def test_where_none_can_be_read_there_is_none(matey: Matey, place: Path) -> None:
    shutil.rmtree(place / "runs/pretrain-001")
    (place / "runs/pretrain-002/versions.json").write_text("")
    done = matey("finetune", "--steps", 1, cwd=place)
    assert done.returncode == 2
    assert "has no run with a model" in done.stderr
