"""Runs are shared through a folder in the place of a hub, and used by their name there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import load_file, save_file

import matey_core
from matey_core.catalog import read_run
from matey_core.errors import CheckpointError, ConfigError, RunError
from matey_core.hubs import checked_files, checked_name
from matey_core.journal import Journal
from matey_core.runs.scores import StoreScore
from matey_core.sharing import model_card
from matey_core.sharing.smaller import halve, thin
from tests.command import Matey, document
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_run(folder, tiny_store(folder / "data", samples=6, frames=9))
    (folder / "matey.toml").write_text(f'hub = "{folder / "hub"}"\n')
    return folder


def test_a_run_is_pushed_pulled_and_used_by_its_name(
    matey: Matey, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = matey(
        *("push", "pretrain-001", "me/thermals", "--data-license", "CC-BY-4.0"), cwd=project
    )
    assert done.returncode == 0, done.stderr
    shared = project / "hub/me/thermals"
    suffixes = {path.suffix for path in shared.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".jsonl", ".toml", ".md", ".safetensors"}
    new = tmp_path / "new"
    new.touch()
    readers = new.stat().st_mode & 0o044  # others than the owner may read as much of the run
    assert {path.stat().st_mode & 0o044 for path in (shared, *shared.rglob("*"))} == {readers}
    texts = [path.read_text() for path in shared.rglob("*") if path.suffix in (".json", ".toml")]
    assert not any(str(project) in text for text in texts)
    there = tmp_path / "there"
    there.mkdir()
    pulled = matey("pull", "me/thermals", "--hub", project / "hub", "--name", "t", cwd=there)
    assert pulled.returncode == 0, pulled.stderr
    assert "matey info t" in pulled.stderr
    (there / "matey.toml").write_text(f'hub = "{project / "hub"}"\n')
    found = document(matey("info", "hub:me/thermals", "--json", cwd=there))
    assert found["name"] == "me--thermals"
    rolled = matey(
        *("rollout", "hub:me/thermals", "--data", project / "data", "--no-plot", "--steps", "2"),
        cwd=there,
    )
    assert rolled.returncode == 0, rolled.stderr
    monkeypatch.chdir(there)
    model = matey_core.load("hub:me/thermals")
    store = next((project / "data").rglob("*.zarr"))
    forecast = model.predict(xr.open_zarr(store, consolidated=False).isel(sample=0), steps=2)
    assert forecast.sizes["time"] == 2


def test_half_of_the_bytes_predict_the_same_to_the_rounding_of_float16(
    matey: Matey, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = ("--hub", project / "hub")
    for name, options in (("whole", ()), ("half", ("--half",))):
        assert matey("push", "pretrain-001", f"me/{name}", *options, cwd=project).returncode == 0
        assert matey("pull", f"me/{name}", *hub, cwd=project).returncode == 0
    sizes = [
        (project / f"runs/me--{name}/model/model.safetensors").stat().st_size
        for name in ("whole", "half")
    ]
    assert 0.5 <= sizes[1] / sizes[0] < 0.6
    monkeypatch.chdir(project)
    data = xr.open_zarr(next((project / "data").rglob("*.zarr")), consolidated=False)
    whole, half = (
        matey_core.load(f"hub:me/{name}").predict(data.isel(sample=0), steps=1).to_array().values
        for name in ("whole", "half")
    )
    assert whole.dtype == half.dtype
    assert 0 < np.abs(whole - half).max() <= 2e-3 * np.abs(whole).max()


def test_weights_too_large_for_float16_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    save_file({"a": torch.tensor([1.0, 65504.0]), "b": torch.tensor([7e4])}, weights)
    with pytest.raises(RunError, match="b has a value above"):
        halve(weights)
    assert load_file(weights)["b"].item() == 7e4


def test_a_long_journal_is_shared_with_a_thousand_steps_and_every_validation(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_text(
        "".join(
            json.dumps({"event": event, "step": step}) + "\n"
            for step in range(1, 2501)
            for event in ("step", *["validation"] * (step % 50 == 0))
        )
    )
    thin(journal.path)
    kept = [row["step"] for row in journal.rows() if row["event"] == "step"]
    assert len(kept) == 1000
    assert (kept[0], kept[-1]) == (1, 2500)
    assert sum(row["event"] == "validation" for row in journal.rows()) == 50


def test_the_card_says_what_the_model_is(matey: Matey, project: Path) -> None:
    run = project / "runs/pretrain-001"
    (run / "scores.json").write_text(json.dumps({"stores": [], "model": str(run / "model")}))
    matey("push", "pretrain-001", "me/card", cwd=project)
    (run / "scores.json").unlink()
    shared = json.loads((project / "hub/me/card/scores.json").read_text())
    assert shared["model"] == "model"  # no folder of this machine
    card = (project / "hub/me/card/README.md").read_text()
    run = document(matey("info", "pretrain-001", "--json", cwd=project))
    (store,) = run["stores"]
    for words in (
        "# me/card",
        'matey_core.load("hub:me/card")',
        store["fingerprint"],
        "×".join(map(str, store["shape"])),
        "License of the data: not recorded.",
        "No validation was kept.",
    ):
        assert words in card, words
    score = StoreScore(
        store="a|b",
        lead_steps=2,
        error=0.25,
        persistence=0.9,
        forecast="local_linear",
        forecast_error=0.5,
        ratio=0.5,
    )
    record = replace(read_run(project / "runs/pretrain-001"), scores=(score,))
    scored = model_card(record, name="me/card", data_license=None)
    licensed = replace(record, stores=(replace(record.stores[0], license="CC-BY-4.0"),))
    assert "data: CC-BY-4.0." in model_card(licensed, name="me/card", data_license=None)
    assert "| a\\|b | 2 | 0.25 | local linear | 0.5 | 0.5 |" in scored


def test_a_second_pull_does_not_replace_a_run(matey: Matey, project: Path, tmp_path: Path) -> None:
    matey("push", "pretrain-001", "me/twice", cwd=project)
    line = ("pull", "me/twice", "--hub", project / "hub")
    assert matey(*line).returncode == 0
    again = matey(*line)
    assert again.returncode == 2
    assert "me--twice already" in again.stderr


@pytest.mark.parametrize("name", ["thermals", "../me", "me/..", "a/b/c", "/a/b", "me/x y", "hub:"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no name of a shared run"):
        checked_name(name)


@pytest.mark.parametrize("file", ["../x.json", "/etc/x", "model/../../x.json", "a\\..\\x"])
def test_files_that_lead_elsewhere_are_refused(file: str) -> None:
    with pytest.raises(CheckpointError, match="leads out of the run's folder"):
        checked_files("me/x", ["config.toml", file])


def test_pickles_and_links_are_not_fetched(matey: Matey, project: Path, tmp_path: Path) -> None:
    matey("push", "pretrain-001", "me/evil", cwd=project)
    shared = project / "hub/me/evil"
    (shared / "model/weights.pt").write_bytes(b"pickle")
    (shared / "model/other.json").symlink_to("/etc/hostname")
    done = matey("pull", "me/evil", "--hub", project / "hub")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "runs/me--evil/model").iterdir()}
    assert "model.safetensors" in names
    assert not names & {"weights.pt", "other.json"}


def test_what_cannot_be_shared_says_why(matey: Matey, project: Path, tmp_path: Path) -> None:
    missing = matey("push", "nothing", "me/x", cwd=project)
    assert "nothing is no run with a model" in missing.stderr
    absent = matey("pull", "me/none", "--hub", tmp_path)
    assert absent.returncode == 2
    assert "no shared run me/none" in absent.stderr
    other = tmp_path / "me/other"
    other.mkdir(parents=True)
    (other / "config.toml").touch()
    lacking = matey("pull", "me/other", "--hub", tmp_path)
    assert "it lacks data.json, model/model.json, versions.json" in lacking.stderr
    assert json.loads(matey("pull", "me/other", "--hub", tmp_path, "--json").stderr)["remedy"]
