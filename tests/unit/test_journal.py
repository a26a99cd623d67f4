"""How a journal is kept."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matey_core.errors import CheckpointError
from matey_core.journal import Journal


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.write("step", step=1, loss=float("nan"), scores=[{"error": float("inf")}])
    (line,) = (tmp_path / "journal.jsonl").read_text().splitlines()
    row = json.loads(line)
    age = datetime.now(UTC) - datetime.fromisoformat(row.pop("time"))
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert row == {"event": "step", "step": 1, "loss": None, "scores": [{"error": None}]}


def test_lines_without_times_are_of_earlier_versions(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_text('{"event": "step", "step": 1, "loss": 0.5}\n')
    journal.write("step", step=2, loss=0.25)
    assert [row["loss"] for row in journal.read()] == [0.5, 0.25]
    assert ["time" in row for row in journal.read()] == [False, True]


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
