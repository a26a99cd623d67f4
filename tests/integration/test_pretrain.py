"""Pretraining on small stores: reproducible, resumable, and plain about what it does."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.errors import CheckpointError, DataError, Interrupted, ShapeError
from matey_core.models import load_model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.progress import Progress
from matey_core.runs.folder import RunFolder
from matey_core.runs.origin import read_origin
from matey_core.runs.start import StartFacts
from matey_core.store import open_store
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import pretrain, resume
from tests.killing import holding, kill_at
from tests.support import tiny_store
from tests.training import TOML, events, pretrain_config, timed_events, tiny_model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores of other fields, of another number of axes, and of too few frames."""
    folder = tmp_path_factory.mktemp("data")
    tiny_store(folder, name="flow_periodic")
    tiny_store(folder, name="line_periodic", shape=(16,), fields=("density", "pressure"))
    tiny_store(folder, name="still_periodic", frames=1)
    tiny_store(folder, name="short_periodic", frames=3, fields=("pressure",))
    return folder


@pytest.fixture
def project(tmp_path: Path, data: Path) -> Path:
    (tmp_path / "data").symlink_to(data)
    return tmp_path


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_model(folder).state_dict())


def test_one_model_trains_on_everything_that_moves(project: Path) -> None:
    heard: list[StartFacts] = []
    progress: list[Progress] = []
    config = pretrain_config(project, objective="one_step")
    report = pretrain(config, progress.append, on_start=heard.append)

    (start,) = heard
    assert report.start == start
    assert {store.name for store in start.stores} == {
        "flow_periodic",
        "line_periodic",
        "short_periodic",
    }
    tokens = {store.name: (store.fewest_tokens, store.most_tokens) for store in start.stores}
    # Half of 4 coarse cells become 4 fine ones each; in 1D, one of 2 becomes 2.
    assert tokens["flow_periodic"] == (2 + 2 * 4,) * 2
    assert tokens["line_periodic"] == (1 + 2,) * 2
    assert any("still_periodic is left out: it has no time axis" in note for note in start.notes)
    assert any("short_periodic has 3 frames: lead times go up to 1" in note for note in start.notes)
    model = load_model(report.model)
    assert set(model.fields) == {"density", "velocity_x", "pressure"}
    assert model.num_axes == (1, 2)
    counted = sum(start.parameters.trained.values())
    assert counted == sum(parameter.numel() for parameter in model.parameters())
    assert [item.done for item in progress] == list(range(1, 7))
    assert len(events(report.run, "step")) == 6
    for row in timed_events(report.run, "step"):
        assert 0 <= row["waiting_seconds"] <= row["seconds"] < 60
        assert row["samples"] == 4
        assert row["tokens"] == 4 * 2 * tokens[row["store"]][0]  # windows, frames, cells
        assert row["memory"] > 1e7
    times = [row["time"] for row in timed_events(report.run, "step")]
    assert times == sorted(times)
    assert {score.store for score in report.scores} == set(tokens)
    files = {path.name for path in report.run.iterdir()}
    assert files == {
        "config.toml",
        "versions.json",
        "data.json",
        "journal.jsonl",
        "lock",
        "checkpoints",
        "model",
        "report.html",
    }
    assert report.page == report.run / "report.html"


def test_persistence_in_validation_is_that_of_the_store(project: Path) -> None:
    report = pretrain(pretrain_config(project, steps=1, validation_batches=99))
    (score,) = [s for s in report.scores if s.store == "flow_periodic" and s.lead_steps == 1]
    store = open_store(project / "data/zarr/flow_periodic.zarr")
    errors = []
    for sample in store.samples("validation"):
        states = store.read(sample, 0, store.num_frames).astype(np.float64)
        # History 2 and leads up to 2: the last frames known are 1 to 9.
        last, truth = states[1:10], states[2:11]
        errors.append(np.sqrt(((last - truth) ** 2).mean((2, 3)) / (truth**2).mean((2, 3))))
    assert score.persistence == pytest.approx(np.mean(errors), rel=1e-6)


def test_the_same_seed_gives_the_same_model(project: Path) -> None:
    one, two, other = (
        pretrain(pretrain_config(project, seed=seed, name=name))
        for seed, name in [(3, "one"), (3, "two"), (4, "other")]
    )
    assert events(one.run, "step") == events(two.run, "step")
    assert events(one.run, "validation") == events(two.run, "validation")
    first, second, third = tensors(one.model), tensors(two.model), tensors(other.model)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert not all(torch.equal(value, third[name]) for name, value in first.items())


def test_the_model_kept_is_the_best_one(project: Path) -> None:
    config = pretrain_config(
        project, steps=8, validate_every=1, optimizer=AdamwConfig(learning_rate=0.02)
    )
    report = pretrain(config)
    scores = {row["step"]: row["score"] for row in events(report.run, "validation")}
    assert len(scores) == 8
    assert report.best_step == min(scores, key=lambda step: scores[step])
    best = report.run / "checkpoints" / f"step-{report.best_step:08d}" / "model"
    kept = tensors(report.model)
    assert all(torch.equal(value, kept[name]) for name, value in tensors(best).items())
    origin = read_origin(report.model)
    assert origin is not None
    assert (origin.step, origin.history) == (report.best_step, config.history)
    assert origin.scores == report.scores
    names = {store.name for store in RunFolder(report.run).stores()}
    assert {store.name for store in origin.stores} == names


def stop_at(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            raise KeyboardInterrupt

    return on_progress


def test_an_interrupted_run_resumes_bit_for_bit(project: Path) -> None:
    settings = {"steps": 9, "validate_every": 3, "model": tiny_model(drop_path=0.2)}
    whole = pretrain(pretrain_config(project, name="whole", **settings))
    with pytest.raises(Interrupted, match="step-00000003 is kept"):
        pretrain(pretrain_config(project, name="cut", **settings), stop_at(5))
    rest = resume(project / "runs", "cut")
    assert rest.start.step == 3
    assert events(rest.run, "step") == events(whole.run, "step")
    assert (rest.best_step, rest.scores) == (whole.best_step, whole.scores)
    for folder in ("model", "checkpoints/step-00000009/model"):
        expected, found = tensors(whole.run / folder), tensors(rest.run / folder)
        assert all(torch.equal(value, found[name]) for name, value in expected.items())


@pytest.mark.slow
def test_a_killed_run_resumes_bit_for_bit(project: Path) -> None:
    (project / "settings.toml").write_text(TOML)
    command = [sys.executable, "-m", "matey_cli", "pretrain", "--config", "settings.toml"]
    command += ["--quiet", "--steps", "60", "--set", "validate_every=5", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "--name", "whole"], cwd=project, env=environment, check=True)
    run = project / "runs/cut"
    held = holding(project / "held", run, 23)
    process = subprocess.Popen([*command, "--name", "cut"], cwd=project, env=held)
    kill_at(process, run, 23)
    assert [row["step"] for row in events(run, "step")] == list(range(1, 24))
    subprocess.run(
        [*command[:4], "--resume", "--name", "cut"], cwd=project, env=environment, check=True
    )
    runs = project / "runs"
    assert events(runs / "cut", "step") == events(runs / "whole", "step")
    expected, found = tensors(runs / "whole/model"), tensors(runs / "cut/model")
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_a_run_stopped_before_its_first_checkpoint_leaves_nothing(project: Path) -> None:
    with pytest.raises(Interrupted, match="nothing was saved yet"):
        pretrain(pretrain_config(project, validate_every=6), stop_at(2))
    assert not (project / "runs").exists()


def test_a_run_whose_checkpoints_are_gone_keeps_its_model(project: Path) -> None:
    def stop_without_checkpoints(progress: Progress) -> None:
        if progress.done == 5:
            shutil.rmtree(project / "runs/cut/checkpoints")
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"model is kept"):
        pretrain(pretrain_config(project, name="cut", validate_every=2), stop_without_checkpoints)
    load_model(project / "runs/cut/model")


def test_a_complete_run_is_not_resumed(project: Path) -> None:
    pretrain(pretrain_config(project, steps=1))
    with pytest.raises(CheckpointError, match="is complete"):
        resume(project / "runs")


def test_changed_data_is_noticed(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data")
    with pytest.raises(Interrupted):
        pretrain(pretrain_config(tmp_path), stop_at(3))
    shutil.rmtree(tmp_path / "data")
    tiny_store(tmp_path / "data", samples=7)
    with pytest.raises(CheckpointError, match="has changed since the run started"):
        resume(tmp_path / "runs")


def test_without_stores_prepare_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no store") as caught:
        pretrain(pretrain_config(tmp_path))
    assert "matey prepare FOLDER" in caught.value.remedy
    assert not (tmp_path / "runs").exists()


def test_a_grid_smaller_than_a_patch_leaves_no_run(project: Path) -> None:
    large = tiny_model(tokenizer=TokenizerConfig(patch=(64, 32)))
    with pytest.raises(ShapeError):
        pretrain(pretrain_config(project, model=large))
    assert not (project / "runs").exists()


def test_the_record_of_the_data_names_stores_and_trajectories(project: Path) -> None:
    report = pretrain(pretrain_config(project, steps=1))
    rows = json.loads((report.run / "data.json").read_text())["stores"]
    store = open_store(project / "data/zarr/flow_periodic.zarr")
    (row,) = [row for row in rows if row["name"] == "flow_periodic"]
    assert row["fingerprint"] == store.fingerprint
    assert tuple(row["samples"]) == store.samples("train")
