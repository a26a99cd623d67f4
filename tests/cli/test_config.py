"""`matey config` and `matey doctor` as typed."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.command import Matey, document


def test_settings_are_shown_as_a_file_that_training_takes(matey: Matey, tmp_path: Path) -> None:
    (tmp_path / "matey.toml").write_text('data = "fields"\n')
    done = matey("config", "--set", "optimizer.name=adamw", "--set", "model.depth=3")
    assert done.returncode == 0, done.stderr
    found = tomllib.loads(done.stdout)
    assert found["data"] == "fields"
    assert found["minutes"] == 10 or "steps" not in found
    assert (found["optimizer"]["name"], found["model"]["depth"]) == ("adamw", 3)
    (tmp_path / "mine.toml").write_text(done.stdout)
    again = matey("config", "--config", "mine.toml")
    assert again.stdout == done.stdout
    part = matey("config", "model.tokenizer.patch", "--config", "mine.toml", "--json")
    assert document(part) == {"patch": [16, 8]}


def test_a_file_is_written_checked_and_not_overwritten(matey: Matey, tmp_path: Path) -> None:
    done = matey("config", "--write", "mine.toml", "--set", "model.variant=fno")
    assert done.returncode == 0, done.stderr
    assert "matey config --for pretrain --check mine.toml" in done.stderr
    checked = document(matey("config", "--check", "mine.toml", "--json"))
    assert checked["changed"] == {"model": "fno"}
    again = matey("config", "--write", "mine.toml")
    assert again.returncode == 2
    assert "mine.toml exists already" in again.stderr
    (tmp_path / "mine.toml").write_text("stepz = 3\nclip = -1\n")
    wrong = matey("config", "--check", "mine.toml")
    assert wrong.returncode == 2
    assert "unknown setting 'stepz'; did you mean 'steps'?" in wrong.stderr
    assert "clip: input should be greater than 0, found -1" in wrong.stderr
    assert "matey config --explain" in wrong.stderr


def test_a_setting_is_explained_with_those_of_other_parts(matey: Matey) -> None:
    text = matey("config", "optimizer", "--explain").stdout
    assert 'optimizer = "muon"' in text
    assert 'Values: "adamw", "muon"' in text
    assert "optimizer.momentum = 0.95" in text
    assert 'optimizer = "adamw" has these settings instead:' in text
    missing = matey("config", "depth", "--explain")
    assert missing.returncode == 2
    assert "Did you mean 'model.depth'?" in missing.stderr


def test_a_schema_is_one_document(matey: Matey) -> None:
    schema = json.loads(matey("config", "--for", "project", "--schema").stdout)
    assert schema["properties"].keys() == {"data", "runs", "preset", "hub"}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_doctor_says_what_is_used(matey: Matey, form: tuple[str, ...]) -> None:
    done = matey("doctor", *form)
    assert done.returncode == 0, done.stderr
    if form:
        found = document(done)
        assert found["threads"] == 1
        assert found["precision"] in ("float32", "bfloat16")
        assert found["packages"]["torch"]
    else:
        assert "a training step is" in done.stdout or "bfloat16 units" in done.stdout
        assert "netcdf" in done.stdout
