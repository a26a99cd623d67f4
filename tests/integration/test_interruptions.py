"""Whatever interrupts a training, the same command again ends as if nothing had.

More of them: MATEY_INTERRUPTIONS=40 MATEY_SEED=7 in the environment; --log-cli-level=INFO shows
what was drawn.
"""

import logging
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from matey_core.objectives import OBJECTIVES
from tests.interrupting import check_equal, drawn, interrupted, interrupted_group
from tests.killing import matey_done
from tests.support import tiny_store
from tests.training import TOML

LOG = logging.getLogger(__name__)
NUMBER = int(os.environ.get("MATEY_INTERRUPTIONS", "8"))
"""Trainings that are interrupted, once or twice each."""
SEED = int(os.environ.get("MATEY_SEED", "0"))
NAMES = sorted({*OBJECTIVES.names()} - {"contrastive", "residual", "weighted"})
"""Objectives that any store serves, by their names alone."""
STEPS = 12
LINE = ("--steps", STEPS, "--quiet", "--device", "cpu")
LINE += ("--set", "validate_every=4", "--set", "checkpoint_every=2")
LORA = ("base", "--config", "tuning.toml", "--mode", "lora", "--set", "finetune.rank=2")
METHODS = ((), ("--accumulate", 2), ("--set", "ema=0.9"), ("--set", "optimizer.name=adamw"))
COMPLETE = 2
"""Exit code of --resume where nothing is left to do."""


@dataclass(frozen=True)
class Training:
    """A command, without the name of its run."""

    verb: str
    objective: str
    method: tuple[object, ...]
    processes: int

    @property
    def line(self) -> tuple[object, ...]:
        return (
            self.verb,
            *(LORA if self.verb == "finetune" else ("--config", "settings.toml")),
            *LINE,
            *("--objective", self.objective),
            *self.method,
            *("--nproc", self.processes),
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, and a model to fine-tune."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    (folder / "settings.toml").write_text(TOML)
    (folder / "tuning.toml").write_text(TOML.partition("[model]")[0])
    start = ("pretrain", "--config", "settings.toml", "--steps", 2, "--quiet", "--device", "cpu")
    assert matey_done(folder, *start, "--name", "base") == 0
    return folder


@pytest.fixture(scope="module")
def wholes() -> dict[Training, Path]:
    """Runs that were never interrupted."""
    return {}


def done(project: Path, line: Sequence[object], name: str) -> int:
    """Run to the end; the launcher of several processes is a process like another."""
    return matey_done(project, *line, "--name", name)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.distributed
@pytest.mark.parametrize("number", range(NUMBER))
def test_an_interrupted_training_ends_as_a_whole_one(
    project: Path, wholes: dict[Training, Path], number: int
) -> None:
    draw = random.Random(f"{SEED} {number}")
    training = Training(
        draw.choice(["pretrain", "finetune"]),
        NAMES[number % len(NAMES)],  # every one has its turn
        METHODS[number % len(NAMES) % len(METHODS)],
        processes=2 if number % 4 == 3 else 1,
    )
    if training not in wholes:
        name = f"whole-{len(wholes)}"
        assert done(project, training.line, name) == 0, (project / "stderr").read_text()
        wholes[training] = project / "runs" / name
    name = f"cut-{number}"
    run, whole = project / "runs" / name, wholes[training]
    for _ in range(draw.choice([1, 2])):
        what = drawn(draw, steps=STEPS, processes=training.processes)
        how = interrupted if training.processes == 1 else interrupted_group
        code = how(project, again(training, run), run, what)
        LOG.info("seed %d, %d: %s, %s, exit code %d", SEED, number, training, what, code)
    assert done(project, again(training, run)[:-2], name) in (0, COMPLETE)
    check_equal(run, whole, steps=STEPS)


def again(training: Training, run: Path) -> tuple[object, ...]:
    """The command, or what goes on with it where it has begun."""
    resume = ("--resume",) if (run / "config.toml").exists() else ()
    return (*training.line, *resume, "--name", run.name)
