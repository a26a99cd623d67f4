"""What decays, and how a journal is kept."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from matey_core.errors import CheckpointError
from matey_core.training import Journal, build_optimizer


def test_only_matrices_decay() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    module.scale = nn.Parameter(torch.ones(1, 5, 1))
    module[2].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in module.named_parameters()}
    optimizer = build_optimizer(module, learning_rate=0.1, weight_decay=0.5)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, value in module.named_parameters():
        factor = 1 - 0.1 * 0.5 if name == "0.weight" else 1
        torch.testing.assert_close(value, factor * before[name])


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write("step", step=1, loss=float("nan"), scores=[{"error": float("inf")}])
    (line,) = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "event": "step",
        "step": 1,
        "loss": None,
        "scores": [{"error": None}],
    }


def test_rewinding_forgets_what_will_happen_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for step in range(1, 6):
        journal.write("step", step=step)
    with journal.path.open("a") as file:
        file.write('{"event": "st')  # killed while writing
    journal.rewind(3)
    assert [row["step"] for row in journal.read()] == [1, 2, 3]


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("not json\n{}\n")
    with pytest.raises(CheckpointError, match=r"journal.jsonl, line 1"):
        Journal(path).read()


def test_a_silent_journal_writes_nothing(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.jsonl", is_writer=False).write("step", step=1)
    assert not list(tmp_path.iterdir())
