"""The model that comes with matey: small, found by its name, and fine-tuned without a download."""

from pathlib import Path

import pytest

import matey_core
from matey_core.hubs.included import INCLUDED, WEIGHTS
from matey_core.models import load_model
from tests.command import Matey, document
from tests.support import tiny_store

LARGEST = 8 * 2**20
"""Bytes of a run that is kept in the repository."""


@pytest.mark.parametrize("name", INCLUDED.values())
def test_it_is_small_and_its_weights_are_finite(name: str) -> None:
    files = [path for path in (WEIGHTS / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST
    assert {path.suffix for path in files} <= {".json", ".jsonl", ".toml", ".md", ".safetensors"}
    model = load_model(WEIGHTS / name / "model")
    assert all(bool(each.isfinite().all()) for each in model.state_dict().values())
    assert model.num_axes == (1, 2, 3)


def test_it_is_fine_tuned_by_its_name_in_an_empty_folder(matey: Matey, tmp_path: Path) -> None:
    tiny_store(tmp_path / "mine", samples=6, frames=9)
    (tmp_path / "matey-tiny").mkdir()  # such as where configs/matey-tiny.sh has worked
    done = matey(
        *("finetune", "matey-tiny", "--data", "mine", "--n-samples", "2", "--steps", "3"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"finetune-001", "matey-tiny"}
    rolled = matey("rollout", "--steps", "2", "--no-plot", cwd=tmp_path)
    assert rolled.returncode == 0, rolled.stderr
    info = document(matey("info", "matey-tiny", "--json", cwd=tmp_path))
    assert info["name"] == "matey-tiny"


def test_python_finds_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "velocity_x" in matey_core.load("matey-tiny").fields
    assert (tmp_path / "runs/matey-tiny/model/model.safetensors").is_file()
