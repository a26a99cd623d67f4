"""`--resume` beside other options: the same values are no conflict, and more steps prolong."""

from pathlib import Path

import pytest

from matey_core.schedules.warmup_cosine import WarmupCosine
from tests.command import Matey
from tests.training import TOML, events

LINE = ("--config", "settings.toml", "--device", "cpu", "--learning-rate", 2e-3)


@pytest.fixture
def place(project: Path, tmp_path: Path) -> Path:
    """A directory of its own with the stores of `project`, settings, and a run of two steps."""
    (tmp_path / "data").symlink_to(project / "data")
    (tmp_path / "settings.toml").write_text(TOML)
    return tmp_path


def steps(run: Path) -> list[int]:
    return [row["step"] for row in events(run, "step")]


def test_a_training_is_prolonged(matey: Matey, place: Path) -> None:
    run = place / "runs/pretrain-001"
    assert matey("pretrain", *LINE, "--steps", 2, cwd=place).returncode == 0
    done = matey("pretrain", "--resume", cwd=place)
    assert done.returncode == 2
    assert "--resume --name pretrain-001 --steps MORE" in done.stderr

    assert matey("pretrain", "--resume", "--steps", 4, cwd=place).returncode == 0
    assert steps(run) == [1, 2, 3, 4]
    assert "steps = 4\n" in (run / "config.toml").read_text()
    rates = [row["learning_rate"] for row in events(run, "step")]
    schedule = WarmupCosine(warmup=0, steps=4)  # that of the longer training, from here on
    assert rates[2:] == pytest.approx([2e-3 * schedule(2), 2e-3 * schedule(3)])

    for option, expected in {
        ("--steps", 4): "is complete",
        ("--steps", 3): "can only make them more, not steps = 3",
        ("--minutes", 1): "is a training of 4 steps",
    }.items():
        done = matey("pretrain", "--resume", *option, cwd=place)
        assert done.returncode == 2
        assert expected in done.stderr
    assert steps(run) == [1, 2, 3, 4]


def test_a_training_of_minutes_is_prolonged(matey: Matey, place: Path) -> None:
    run = place / "runs/pretrain-001"
    assert matey("pretrain", *LINE, "--minutes", 0.01, cwd=place).returncode == 0
    before = events(run, "step")
    assert before[-1]["share"] == 1
    assert matey("pretrain", "--resume", "--minutes", 0.05, cwd=place).returncode == 0
    after = events(run, "step")
    assert after[: len(before)] == before
    shares = [row["share"] for row in after[len(before) :]]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "minutes = 0.05\n" in (run / "config.toml").read_text()


def test_the_same_command_goes_on(matey: Matey, place: Path) -> None:
    again = ("--resume", "--steps", 3, "--set", "model.width=32")
    assert matey("pretrain", *LINE, "--steps", 2, cwd=place).returncode == 0
    for other, named in {
        ("--learning-rate", 3e-3): "optimizer.learning_rate",
        ("--set", "model.depth=3"): "model.depth",
        ("--set", "steps=5"): "steps",
        ("--flops", "1M"): "flops",
    }.items():
        done = matey("pretrain", *LINE, *again, *other, cwd=place)
        assert done.returncode == 2
        assert f"; {named} cannot be changed" in done.stderr
    assert matey("pretrain", *LINE, *again, cwd=place).returncode == 0
    assert steps(place / "runs/pretrain-001") == [1, 2, 3]


def test_the_same_fine_tuning_goes_on(matey: Matey, place: Path) -> None:
    assert matey("pretrain", *LINE, "--steps", 1, cwd=place).returncode == 0
    line = ("finetune", "pretrain-001", "--mode", "lora", "--n-samples", 2, "--device", "cpu")
    assert matey(*line, "--steps", 1, cwd=place).returncode == 0
    refused = matey(*line, "--resume", "--steps", 2, "--mode", "full", cwd=place)
    assert refused.returncode == 2
    assert "finetune.mode" in refused.stderr
    assert matey(*line, "--resume", "--steps", 2, cwd=place).returncode == 0
    assert steps(place / "runs/finetune-001") == [1, 2]
