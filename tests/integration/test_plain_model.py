"""A model that cuts no cells, registered from outside, goes through every command."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from matey_core.models import MODELS, load_model
from matey_core.profiling import count_forward
from tests.command import Matey, document
from tests.formula import batch_of, spec_of
from tests.support import tiny_store

Answers = Callable[[str], Any]
PAGE = Path(__file__).parents[2] / "docs" / "extend" / "model.md"
TRAIN = "pretrain --steps 3 --batch-size 2 --history 2 --precision float32 --device cpu --name run"
SMOOTHER = "--set model.variant=smoother --set model.width=8 --set validation_batches=1"


@pytest.fixture(autouse=True)
def smoother() -> Iterator[None]:
    """Register the model of the page for one test."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {"__name__": "smoother"})
    yield
    del MODELS._entries["smoother"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One beside which the commands run."""
    tiny_store(tmp_path / "data", shape=(16, 16))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def answers(matey: Matey, store: None) -> Answers:
    """Run a command beside the store; return its JSON document."""
    return lambda line: document(matey(*line.split(), "--json"))


@pytest.fixture
def complaints(matey: Matey, store: None) -> Answers:
    """Run a command that fails beside the store; return what it complains about, in one line."""

    def run(line: str) -> str:
        done = matey(*line.split())
        assert done.returncode, done.stdout
        return " ".join(done.stderr.split())

    return run


@pytest.fixture
def trained(answers: Answers) -> Answers:
    answers(f"{TRAIN} {SMOOTHER}")
    return answers


def test_it_is_pretrained_and_its_operations_are_counted(answers: Answers) -> None:
    report = answers(f"{TRAIN} {SMOOTHER}")
    (store,) = report["start"]["stores"]
    model = load_model(Path("runs/run/model"))
    batch = batch_of(spec_of((16, 16)), samples=1, frames=2, leads=1)
    assert store["flops"] == count_forward(model, batch) > 0
    assert store["tokens"] is store["fewest_tokens"] is None
    description = json.loads(Path("runs/run/model/model.json").read_text())
    assert set(description["config"]) == {
        "variant", "increment", "innovation", "trend", "blend", "width", "depth",
    }  # fmt: skip


def test_it_is_rolled_out_profiled_and_fine_tuned(trained: Answers) -> None:
    (store,) = trained("rollout runs/run --steps 2")["stores"]
    assert [lead["mean"]["nrmse"] > 0 for lead in store["rollout"]] == [True, True]
    assert store["artifacts"] == []
    (row,) = trained("profile runs/run --seconds 0.1")["rows"]
    assert row["scheme"] == row["tokenizer"] == ""
    assert row["cost"]["tokens"] is None
    assert row["cost"]["flops"]["forward"] > 0
    trained("finetune runs/run --steps 2 --batch-size 2 --device cpu --name tuned")
    assert torch.isfinite(load_model(Path("runs/tuned/model")).stem.weight).all()


def test_the_table_before_training_and_the_profile_have_no_tokens(
    trained: Answers, matey: Matey
) -> None:
    for line in (f"{TRAIN}-2 {SMOOTHER}", "profile runs/run --seconds 0.1"):
        shown = matey(*line.split())
        assert shown.returncode == 0, shown.stderr
        assert "okens" not in shown.stdout + shown.stderr


def test_a_preset_of_the_project_is_for_models_that_have_presets(
    answers: Answers, complaints: Answers
) -> None:
    Path("matey.toml").write_text('preset = "s"\n')
    answers(f"{TRAIN} {SMOOTHER}")
    assert "preset" not in Path("runs/run/config.toml").read_text()
    complaint = complaints(f"{TRAIN}-2 {SMOOTHER} --preset s")
    assert "unknown setting 'model.preset'" in complaint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--scheme axial --tokens 17",
            r"unknown setting 'model.scheme'.*\(matey.*ave it\)",
        ),
        ("--set model.widht=3", "unknown setting 'model.widht'; did you mean 'model.width'"),
        ("--flops 1M", "needs a model that cuts fields into cells; the smoother variant cuts none"),
        ("--tokens-range 10,20", "needs a model that cuts fields into cells"),
        ("--set jitter=true", "jitter needs a model that cuts fields into cells"),
        ("--set recompute=true", "no effect on the"),
        ("--compile", "smoother variant cannot be compiled"),
    ],
)
def test_what_it_cannot_do_is_refused_before_it_trains(
    complaints: Answers, line: str, message: str
) -> None:
    assert re.search(message, complaints(f"{TRAIN} {SMOOTHER} {line}"))
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    "line",
    [
        "rollout runs/run --steps 2 --tokens 17",
        "rollout runs/run --steps 2 --cycle ladder",
        "rollout runs/run --steps 2 --jitter",
        "finetune runs/run --steps 2 --tokens 17",
        "tokenize-inspect --run runs/run",
        "profile runs/run --scheme axial",
        "profile runs/run --compare",
        "study criterion --run runs/run",
    ],
)
@pytest.mark.usefixtures("trained")
def test_commands_about_cells_say_that_it_cuts_none(complaints: Answers, line: str) -> None:
    assert "cuts fields into cells; the smoother variant cuts none" in complaints(line)
