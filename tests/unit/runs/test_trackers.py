"""What trackers of experiments are told, in the order that their documentation asks for.

TensorBoard is the real one where it is installed. Weights & Biases and MLflow are small packages
that write down how they are called, in a process of its own.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from matey_core.errors import ConfigError, MateyWarning
from matey_core.loggers import LOGGERS, LoggedRun, LoggerConfig
from matey_core.loggers.mlflow import MlflowLogger
from matey_core.loggers.tensorboard import TensorboardConfig
from matey_core.runs.scores import Validation
from matey_core.runs.status import Rates, StepStatus, ignore_step
from matey_core.runs.trackers import Trackers
from tests.support import tiny_store

WANDB = """
import json, os
def note(*what):
    with open(os.environ["CALLS"], "a") as file:
        file.write(json.dumps(what) + "\\n")
class Run:
    def log(self, values, step): note("log", values, step)
    def finish(self): note("finish")
def init(*, project, name, id, resume, dir, config, mode):
    note("init", project, name, id, resume, os.path.isdir(dir), config, mode)
    return Run()
"""
MLFLOW = """
import json, os
from types import SimpleNamespace
def note(*what):
    with open(os.environ["CALLS"], "a") as file:
        file.write(json.dumps(what) + "\\n")
class MlflowClient:
    def get_experiment_by_name(self, name): return None
    def create_experiment(self, name): note("experiment", name); return "7"
    def search_runs(self, numbers, filter_string): note("search", numbers, filter_string); return []
    def create_run(self, number, run_name, tags):
        note("run", number, run_name, tags)
        return SimpleNamespace(info=SimpleNamespace(run_id="r1"))
    def log_batch(self, run, params): note("params", run, {p.key: p.value for p in params})
    def log_metric(self, run, name, value, step): note("metric", run, name, value, step)
    def set_terminated(self, run): note("end", run)
"""
ENTITIES = """
class Param:
    def __init__(self, key, value):
        assert isinstance(value, str) and len(value) <= 500
        self.key, self.value = key, value
"""
TRAINING = """
import sys
from pathlib import Path
from matey_core.workflows.pretrain import pretrain
from tests.training import pretrain_config
folder = Path(sys.argv[1])
pretrain(pretrain_config(folder, name="one", logger=[{"name": sys.argv[2], "every": 2}]))
"""


def calls_of(folder: Path, logger: str, files: Mapping[str, str]) -> list[list[Any]]:
    """Train six steps with a package of that name, and give how it was called."""
    tiny_store(folder / "data", name="flow_periodic")
    package = folder / "packages" / logger
    package.mkdir(parents=True)
    for name, text in files.items():
        (package / name).write_text(text)
    path = os.pathsep.join([str(package.parent), str(Path(__file__).parents[3])])
    calls = folder / "calls"
    subprocess.run(
        [sys.executable, "-c", TRAINING, str(folder), logger],
        env={**os.environ, "PYTHONPATH": path, "CALLS": str(calls), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in calls.read_text().splitlines()]


@pytest.mark.slow
def test_weights_and_biases_is_told_in_its_order(tmp_path: Path) -> None:
    init, *logs, finish = calls_of(tmp_path, "wandb", {"__init__.py": WANDB})
    _, project, name, key, resume, has_folder, config, mode = init
    assert (project, name, resume, has_folder, mode) == ("matey", "one", "allow", True, None)
    assert len(key) == 16
    assert config["model.width"] == 32
    assert finish == ["finish"]
    steps = [step for _, values, step in logs if "loss" in values]
    assert steps == [2, 4, 6]
    scores = [(set(values), step) for _, values, step in logs if "score" in values]
    assert scores[-1] == ({"score", "score/flow_periodic"}, 6)
    assert [step for *_, step in logs] == sorted(step for *_, step in logs)
    first = logs[0][1] if "loss" in logs[0][1] else logs[1][1]
    assert first["speed/tokens_per_second"] > first["speed/samples_per_second"] > 0


@pytest.mark.slow
def test_mlflow_is_told_in_its_order(tmp_path: Path) -> None:
    files = {"__init__.py": MLFLOW, "entities.py": ENTITIES}
    experiment, search, run, *rest, end = calls_of(tmp_path, "mlflow", files)
    assert experiment == ["experiment", "matey"]
    tags = run[3]
    assert search == ["search", ["7"], f"tags.`matey.key` = '{tags['matey.key']}'"]
    assert run[:3] == ["run", "7", "one"]
    assert end == ["end", "r1"]
    parameters = {
        key: value for call in rest if call[0] == "params" for key, value in call[2].items()
    }
    assert parameters["model.width"] == "32"
    metrics = [call for call in rest if call[0] == "metric"]
    assert [step for *_, name, _, step in metrics if name == "loss"] == [2, 4, 6]
    assert ("score.flow_periodic", 6) in {(name, step) for *_, name, _, step in metrics}


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = LoggedRun(name="one", folder=tmp_path, key="k", settings={})
    logger = TensorboardConfig().open(run)
    logger.log({"loss": 0.5, "loss/a": 0.25}, step=10)
    logger.log({"loss": 0.4}, step=20)
    logger.close()
    found = events.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert [(each.step, round(each.value, 6)) for each in found.Scalars("loss")] == [
        (10, 0.5),
        (20, 0.4),
    ]
    assert found.Tags()["scalars"] == ["loss", "loss/a"]


def test_no_metric_of_mlflow_is_a_folder_of_another() -> None:
    calls: list[tuple[str, float, int]] = []
    client = SimpleNamespace(
        log_metric=lambda run, name, value, step: calls.append((name, value, step))
    )
    told = {"loss": 0.5, "loss/a b_é": 0.25, "score": math.inf}
    MlflowLogger(client, "r1").log(told, step=3)
    assert calls == [("loss", 0.5, 3), ("loss.a b__", 0.25, 3)]


@pytest.mark.parametrize("name", LOGGERS.names())
def test_a_missing_package_is_named_with_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = LOGGERS[name]
    monkeypatch.setattr(kind, "package", "not_installed_anywhere")
    with pytest.raises(ConfigError, match=f"logger is {name}, and the package") as caught:
        LoggerConfig.choose(name).check_installed()
    assert f"'matey-fm[{name}]'" in caught.value.remedy


class Kept:
    """A logger that keeps what it is told, and fails at a step."""

    def __init__(self, *, fails_at: int = -1) -> None:
        self.told: list[tuple[int, Mapping[str, float]]] = []
        self.fails_at, self.is_closed = fails_at, False

    def log(self, values: Mapping[str, float], *, step: int) -> None:
        if step == self.fails_at:
            raise ConnectionError("no route")
        self.told.append((step, values))

    def close(self) -> None:
        self.is_closed = True


def status(step: int) -> StepStatus:
    return StepStatus(
        step=step,
        steps=9,
        store="flow",
        loss=0.5,
        gradient_norm=1.0,
        learning_rate=0.1,
        is_skipped=False,
        smoothed={"flow": 0.6},
        smoothed_loss=0.6,
        rates=Rates(steps=2.0, samples=8.0, tokens=None, waiting=0.25),
        memory=10**6,
    )


def test_one_that_fails_is_left_out_and_the_others_go_on() -> None:
    good, bad = Kept(), Kept(fails_at=4)
    config = TensorboardConfig(every=2)
    trackers = Trackers([(config, bad), (config, good)])
    seen: list[int] = []
    tell = trackers.on_step(lambda each: seen.append(each.step))
    for step in (1, 2, 3):
        tell(status(step))
    with pytest.warns(MateyWarning, match=r"tensorboard has failed at step 4 .* no route"):
        tell(status(4))
    tell(status(6))
    checked = trackers.on_validation(lambda validation: None)
    checked(
        Validation(
            step=7,
            steps=9,
            score=0.8,
            worst_store="flow",
            worst_score=0.8,
            best_step=7,
            best_score=0.8,
            by_store={"flow": 0.8},
        )
    )
    trackers.close()
    assert seen == [1, 2, 3, 4, 6]
    assert [step for step, _ in bad.told] == [2]
    assert bad.is_closed
    assert [step for step, _ in good.told] == [2, 4, 6, 7]
    assert good.told[0][1]["loss/flow"] == 0.6
    assert good.told[-1][1] == {"score": 0.8, "score/flow": 0.8}
    assert good.is_closed


def test_without_loggers_nothing_stands_between() -> None:
    assert Trackers([]).on_step(ignore_step) is ignore_step
