"""The screen of a training fits the terminal, and says what is going on."""

import io
import math
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from matey_cli.training import TrainingScreen
from matey_core.progress import Progress
from matey_core.runs.scores import Validation
from matey_core.runs.start import StartFacts
from matey_core.runs.status import Rates, StepStatus

LONG = "2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train"


def screen_of(stores: list[str], *, steps: int = 40) -> TrainingScreen:
    screen = TrainingScreen()
    facts: Any = type("Facts", (), {})()
    facts.run = Path("runs/pretrain-001")
    facts.stores = [type("Store", (), {"name": name})() for name in stores]
    screen.started(cast(StartFacts, facts))
    for step in range(1, steps + 1):
        status = StepStatus(
            step=step,
            steps=1_000_000,
            store=stores[step % len(stores)],
            loss=1 / step,
            gradient_norm=123.4,
            learning_rate=1.234e-3,
            is_skipped=False,
            smoothed={stores[step % len(stores)]: 1 / step},
            smoothed_loss=0.5,
            rates=Rates(steps=12.34, samples=98.7, tokens=1_234_567.0, waiting=0.034),
            memory=12_345_678_901,
        )
        screen.progressed(Progress(task="pretrain", done=step, total=1_000_000, unit="steps"))
        screen.stepped(status)
    screen.validated(
        Validation(
            step=40,
            steps=1_000_000,
            score=0.61,
            worst_store=stores[0],
            worst_score=0.9,
            best_step=20,
            best_score=0.58,
            by_store={stores[0]: 0.9},
        )
    )
    return screen


def lines_of(screen: TrainingScreen, *, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(screen.drawn(width=width, height=height))
    return cast(io.StringIO, console.file).getvalue().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (40, 30), (200, 60)])
def test_fourteen_stores_fit(size: tuple[int, int]) -> None:
    width, height = size
    stores = [f"{number}_{LONG}" for number in range(14)]
    lines = lines_of(screen_of(stores), width=width, height=height)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    if height == 30:
        assert not any("…" in line and "loss" in line for line in lines)
        assert {"loss 0.5000 · learning rate 0.0012", "gradient 123"} <= set(lines)
    if width >= 80:
        assert all(any(line.startswith(f"{number}_") for line in lines) for number in range(14))
    else:
        assert f"and {14 - (4 if height == 12 else 19)} more" in lines or height == 30


def test_it_says_rates_losses_and_validations() -> None:
    lines = lines_of(screen_of(["flow", "line"]))
    text = "\n".join(lines)
    for figure in ("40/1,000,000 steps", "12.3 steps/s", "99 samples/s", "1,234,567 tokens/s"):
        assert figure in text
    for figure in ("3% waiting for data", "12.3 GB", "learning rate 0.0012", "gradient 123"):
        assert figure in text
    (flow,) = [line for line in lines if line.startswith("flow")]
    assert flow.split()[1:] == ["0.02500", "█▆▅▄▃▃▃▂▂▂▂▁▁▁", "0.900"]
    assert lines[-1].startswith("step 40: 0.610 × the best training-free forecast's error")
    assert lines[-1].endswith("; best 0.580 at 20")


def test_nothing_is_drawn_before_the_first_step() -> None:
    assert lines_of(TrainingScreen()) == []


def test_a_store_without_a_finite_loss_has_a_dash() -> None:
    screen = screen_of(["flow"], steps=1)
    screen.losses.clear()
    assert screen.status is not None
    assert not math.isnan(screen.status.smoothed_loss)
    (row,) = [line for line in lines_of(screen) if line.startswith("flow")]
    assert row.split()[1] == "-"
