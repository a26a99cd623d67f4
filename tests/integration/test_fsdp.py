"""Processes that train together, with whole weights or parts of them, do what one process does.

--log-cli-level=INFO shows how close every model comes.
"""

import logging
import math
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from matey_core.batches import FieldBatch
from matey_core.distributed import Place, Strategy, StrategyConfig
from matey_core.distributed._launch import _free_port
from matey_core.losses.relative_mse import relative_mse
from matey_core.models import MODELS, ModelConfig
from matey_core.objectives.one_step import OneStepConfig
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.sequence_group import SequenceGroup
from matey_core.training import Limits, Precision, StepReport, TrainState, WeightAverage, train
from matey_core.training.checkpoint import moments_of
from tests.devices import CONFIGS, CPU, built, name_of
from tests.formula import batch_of, spec_of
from tests.groups import in_group
from tests.killing import holding, kill_at
from tests.support import tiny_store
from tests.training import TOML, events

LOG = logging.getLogger(__name__)
pytestmark = [pytest.mark.distributed, pytest.mark.slow, pytest.mark.timeout(3600)]
PATIENCE = 1600
"""Seconds for four processes, which may share a core with others."""
SAMPLES, STEPS = 4, 50
NAMED = {name_of(config): config for config in CONFIGS}
SHARDED = [config for config in CONFIGS if MODELS[config.variant] is not MODELS["paper"]]


def batch(step: int) -> FieldBatch:
    return batch_of(spec_of((16, 32)), samples=SAMPLES, seed=step % 7)


def course(config: ModelConfig, strategy: Strategy, steps: int) -> list[tuple[float, float]]:
    """Loss and gradient norm of every step of a training, of which each process has a part."""
    model, place = built(config), strategy.place
    strategy.prepare(model)
    state = TrainState(
        model=model,
        optimizer=AdamwConfig().build(model),  # Muon orthogonalizes in bfloat16
        schedule=lambda position: 1.0,
        average=WeightAverage(model, 0.9),
    )
    own = slice(place.rank * SAMPLES // place.size, (place.rank + 1) * SAMPLES // place.size)
    reports: list[StepReport] = []
    train(
        state,
        [batch(step).select(own) for step in range(steps)],
        OneStepConfig().build(relative_mse),
        strategy=strategy,
        precision=Precision(name="float32"),
        limits=Limits(gradient_norm=1.0),
        after_step=lambda *_: None,
        record=reports.append,
    )
    sizes = {value.shape for value in strategy.state(model).values()}
    assert sizes == {value.shape for value in built(config).state_dict().values()}
    assert {value.shape for value in moments_of(state).values() if value.ndim} <= sizes
    return [(report.loss, report.gradient_norm) for report in reports]


def member(
    group: SequenceGroup, kind: str, names: list[str], steps: int, address: str
) -> dict[str, Any]:
    """Train every model with the others, who meet where the group before does not listen."""
    dist.destroy_process_group()
    place = Place(rank=group.rank, size=group.size, local_rank=group.rank, address=address)
    strategy = StrategyConfig.choose(kind).build(place, CPU)
    return {name: course(NAMED[name], strategy, steps) for name in names}


@cache
def course_alone(name: str) -> list[tuple[float, float]]:
    return course(NAMED[name], StrategyConfig.choose("single").build(Place(), CPU), STEPS)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("kind", ["matey full", "matey factorized", "matey axial", "others"])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_fifty_steps_of_every_model_are_those_of_one_process(
    strategy: str, size: int, kind: str
) -> None:
    # A lone sample of `paper` may refine no cell, and then trains other norms than in its batch.
    configs = CONFIGS if strategy == "ddp" and size < SAMPLES else SHARDED
    names = [name for name in map(name_of, configs) if kind_of(name) == kind]
    address = f"tcp://127.0.0.1:{_free_port()}"
    first, *others = in_group(member, size, strategy, names, STEPS, address, seconds=PATIENCE)
    assert all(other == first for other in others)
    for name in names:
        expected = course_alone(name)
        assert all(math.isfinite(loss) for loss, _ in expected)
        pairs = zip(first[name], expected, strict=True)
        worst = max(abs(found - loss) / loss for (found, _), (loss, _) in pairs)
        LOG.info("%s, %d processes, %s: at most %.1e", strategy, size, name, worst)
        assert worst <= 1e-5, name


def kind_of(name: str) -> str:
    return " ".join(name.split()[:2]) if name.startswith("matey") else "others"


@pytest.mark.parametrize("sizes", [(1, 2, 1), (2, 4, 2)])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_killed_run_goes_on_with_other_numbers_of_processes(
    tmp_path: Path, strategy: str, sizes: tuple[int, int, int]
) -> None:
    tiny_store(tmp_path / "data", name="flow_periodic")
    tiny_store(tmp_path / "data", name="line_periodic", shape=(16,), fields=("pressure",))
    (tmp_path / "settings.toml").write_text(f'ema = 0.9\n{TOML}[optimizer]\nname = "adamw"\n')
    begin = ["--config", "settings.toml", "--steps", "50", "--set", "checkpoint_every=1"]
    run = tmp_path / "runs/cut"

    def pretrain(name: str, size: int, *arguments: str, last: int = 50) -> None:
        line = [sys.executable, "-m", "matey_cli", "pretrain", "--quiet", *arguments]
        line += ["--name", name, "--nproc", str(size)]
        held = holding(tmp_path / f"held-{last}-{name}", run, last)
        process = subprocess.Popen(line, cwd=tmp_path, env=held)
        if last < 50:
            kill_at(process, run, last)
        else:
            assert process.wait(PATIENCE) == 0

    pretrain("one", 1, *begin)
    pretrain("cut", sizes[0], *begin, "--set", f"strategy={strategy}", last=15)
    pretrain("cut", sizes[1], "--resume", last=30)
    pretrain("cut", sizes[2], "--resume")
    one, cut = (events(tmp_path / "runs" / name, "step") for name in ("one", "cut"))
    assert [row["step"] for row in cut] == list(range(1, 51))
    assert [row["loss"] for row in cut] == pytest.approx([row["loss"] for row in one], rel=1e-4)
    starts = [row["step"] for row in events(run, "start")]
    assert starts[0] == 0
    assert starts[1] in (14, 15)  # a kill may come before the step is saved
    assert starts[2] in (29, 30)
