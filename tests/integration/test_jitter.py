"""Training with shifted patches: reproducible, resumable, the same on several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from matey_core.errors import ConfigError, Interrupted
from matey_core.models import load_model
from matey_core.progress import Progress
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import pretrain, resume
from tests.support import tiny_store
from tests.training import TOML, events, pretrain_config


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A periodic and a bounded store, of different numbers of axes."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    tiny_store(folder / "data", name="line", shape=(24,), fields=("pressure",))
    return folder


def stop(progress: Progress) -> None:
    if progress.done == 5:
        raise KeyboardInterrupt


def test_a_resumed_run_draws_the_same_shifts(project: Path) -> None:
    settings = {"steps": 8, "validate_every": 3, "jitter": True}
    whole = pretrain(pretrain_config(project, name="whole", **settings))
    with pytest.raises(Interrupted):
        pretrain(pretrain_config(project, name="cut", **settings), stop)
    rest = resume(project / "runs", "cut")
    assert events(rest.run, "step") == events(whole.run, "step")
    expected, found = (load_model(run.model).state_dict() for run in (whole, rest))
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    plain = pretrain(pretrain_config(project, name="plain", **{**settings, "jitter": False}))
    losses = [[row["loss"] for row in events(run.run, "step")] for run in (whole, plain)]
    assert all(one != other for one, other in zip(*losses, strict=True))


def test_tokens_that_only_patches_at_rest_can_have_are_refused_at_once(project: Path) -> None:
    config = pretrain_config(project, name="few", steps=2, data=project / "data/zarr/line.zarr")
    # Three cells of 8 points on a line of 24, four where they begin before its first point.
    tokenizer = TokenizerConfig(patch=(8, 4), tokens=3)
    few = config.model_copy(
        update={"model": config.model.model_copy(update={"tokenizer": tokenizer})}
    )
    assert pretrain(few).steps == 2
    with pytest.raises(ConfigError, match="3 tokens"):
        pretrain(few.model_copy(update={"name": "moved", "jitter": True}))
    assert not (project / "runs" / "moved").exists()
    # Five there can be with every shift.
    tokenizer = TokenizerConfig(patch=(8, 4), tokens=5)
    model = config.model.model_copy(update={"tokenizer": tokenizer})
    many = config.model_copy(update={"model": model, "name": "five", "jitter": True})
    assert pretrain(many).steps == 2


@pytest.mark.slow
@pytest.mark.distributed
def test_two_processes_draw_the_same_shifts_as_one(project: Path) -> None:
    # Muon orthogonalizes in bfloat16, which makes more of the rounding of sums than 1e-4.
    adamw = f'{TOML}[optimizer]\nname = "adamw"\n'
    (project / "settings.toml").write_text(adamw.replace("[model]", "jitter = true\n[model]"))
    for number, name in (("1", "one"), ("2", "two")):
        command = [sys.executable, "-m", "matey_cli", "pretrain", "--config", "settings.toml"]
        command += ["--quiet", "--steps", "8", "--name", name, "--nproc", number]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, cwd=project, env=environment, check=True)
    one, two = (events(project / "runs" / name, "step") for name in ("one", "two"))
    for key in ("loss", "gradient_norm"):
        assert [row[key] for row in two] == pytest.approx([row[key] for row in one], rel=1e-4)
