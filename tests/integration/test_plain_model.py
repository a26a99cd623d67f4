"""A model that cuts no cells, registered from outside, goes through every command."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from matey_cli.app import main
from matey_core.models import MODELS, load_model
from matey_core.profiling import count_forward
from tests.formula import batch_of, spec_of
from tests.support import tiny_store

PAGE = Path(__file__).parents[2] / "docs" / "extend" / "model.md"
TRAIN = "pretrain --steps 3 --batch-size 2 --history 2 --precision float32 --device cpu --name run"
SMOOTHER = "--set model.variant=smoother --set model.width=8 --set validation_batches=1"

Matey = Callable[..., Any]


@pytest.fixture(autouse=True)
def smoother() -> Iterator[None]:
    """Register the model of the page for one test."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {"__name__": "smoother"})
    yield
    del MODELS._entries["smoother"]


@pytest.fixture
def matey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Matey:
    """Run a command beside a store; return its JSON document, or what it complains about."""
    tiny_store(tmp_path / "data", shape=(16, 16))
    monkeypatch.chdir(tmp_path)

    def run(line: str, *, fails: bool = False) -> Any:
        options = [] if fails else ["--json"]
        monkeypatch.setattr(sys, "argv", ["matey", *line.split(), *options])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        assert bool(stop.value.code) == fails, captured.out + captured.err
        return " ".join(captured.err.split()) if fails else json.loads(captured.out)

    return run


@pytest.fixture
def trained(matey: Matey) -> Matey:
    matey(f"{TRAIN} {SMOOTHER}")
    return matey


def test_it_is_pretrained_and_its_operations_are_counted(matey: Matey) -> None:
    report = matey(f"{TRAIN} {SMOOTHER}")
    (store,) = report["start"]["stores"]
    model = load_model(Path("runs/run/model"))
    batch = batch_of(spec_of((16, 16)), samples=1, frames=2, leads=1)
    assert store["flops"] == count_forward(model, batch) > 0
    assert store["tokens"] is store["fewest_tokens"] is None
    description = json.loads(Path("runs/run/model/model.json").read_text())
    assert set(description["config"]) == {
        "variant", "increment", "innovation", "trend", "width", "depth",
    }  # fmt: skip


def test_it_is_rolled_out_profiled_and_fine_tuned(trained: Matey) -> None:
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
    trained: Matey, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (f"{TRAIN}-2 {SMOOTHER}", "profile runs/run --seconds 0.1"):
        monkeypatch.setattr(sys, "argv", ["matey", *line.split()])
        with pytest.raises(SystemExit) as stop:
            main()
        shown = capsys.readouterr()
        assert stop.value.code == 0, shown.err
        assert "okens" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--scheme axial --tokens 17",
            r"unknown setting 'model.scheme'.*\(matey and paper have it\)",
        ),
        ("--set model.widht=3", "unknown setting 'model.widht'; did you mean 'width'"),
        ("--flops 1M", "needs a model that cuts fields into cells; the smoother variant cuts none"),
        ("--tokens-range 10,20", "needs a model that cuts fields into cells"),
        ("--set jitter=true", "jitter needs a model that cuts fields into cells"),
        ("--set recompute=true", "keeps all that its backward pass needs"),
        ("--compile", "not made to be compiled"),
    ],
)
def test_what_it_cannot_do_is_refused_before_it_trains(
    matey: Matey, line: str, message: str
) -> None:
    assert re.search(message, matey(f"{TRAIN} {SMOOTHER} {line}", fails=True))
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
def test_commands_about_cells_say_that_it_cuts_none(trained: Matey, line: str) -> None:
    complaint = trained(line, fails=True)
    assert "cuts fields into cells; the smoother variant cuts none" in complaint
