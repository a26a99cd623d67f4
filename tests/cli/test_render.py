"""Documents, numbers, tables and progress."""

import io
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_cli import output, render
from matey_cli.documents import plain
from matey_cli.progress import Pace
from matey_core.progress import Progress
from matey_core.tokenizers import TokenizerConfig


@dataclass(frozen=True)
class _Report:
    path: Path
    scores: tuple[float, ...]
    settings: TokenizerConfig
    by_lead: dict[int, float]
    drawn: object = field(default=None, metadata={"document": False})


def test_documents_hold_only_what_json_can() -> None:
    report = _Report(
        path=Path("a/b"),
        scores=(1.5, math.nan, -math.inf),
        settings=TokenizerConfig(),
        by_lead={1: np.float32(0.5)},  # type: ignore[dict-item]
    )
    found = json.loads(json.dumps(plain(report), allow_nan=False))
    assert found["path"] == "a/b"
    assert found["scores"] == [1.5, None, None]
    assert found["settings"]["patch"] == [16, 8]
    assert found["by_lead"] == {"1": 0.5}
    assert "drawn" not in found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (torch.tensor([0.5, float("nan")]), [0.5, None]),
        (np.bool_(True), True),
        ({"b", "a"}, ["a", "b"]),
    ],
)
def test_arrays_and_tensors_become_lists(value: object, expected: object) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1,234,567"),
        (0.0123456, "0.01235"),
        (12.3456, "12.35"),
        (1e-7, "1.000e-07"),
        (0.0, "0"),
        (math.inf, "inf"),
        (True, "yes"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert render.number(value) == text


def test_sizes_and_durations() -> None:
    assert [render.size(n) for n in (12, 41_500_000, 2e12)] == ["12 B", "41.5 MB", "2.0 TB"]
    times = [render.duration(s) for s in (0.834, 12.34, 185, 7830)]
    assert times == ["834 ms", "12.3 s", "3 min 05 s", "2 h 10 min"]


def test_tables_are_plain_and_narrow_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.configure([])
    render.table("Runs", ["name", "loss"], [("a " * 60, 0.5), ("b", None)], caption="± is fine")
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert not set(text) & set("─│┃━")
    assert "0.5000" in text
    assert text.count("a ") >= 59


def test_a_table_that_cannot_fit_is_a_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    output.configure([])
    heads = ["store", "lead", "nRMSE", "best forecast", "its nRMSE", "ratio"]
    row = ("simulations_of_summer", 1, 8.292e-5, "local linear", 3.767e-5, "2.16 ‡")
    render.table("Validation", heads, [row])
    assert capsys.readouterr().out.splitlines() == [
        "Validation",
        "simulations_of_summer",
        "  lead           1",
        "  nRMSE          8.292e-05",
        "  best forecast  local linear",
        "  its nRMSE      3.767e-05",
        "  ratio          2.16 ‡",
    ]


def test_nothing_but_the_document_is_printed_with_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.configure(["--json"])
    try:
        render.table("Runs", ["name"], [("a",)])
        render.facts("Run", loss=0.5)
        render.note("a note")
        assert render.emit({"loss": math.nan})
    finally:
        output.configure([])
    captured = capsys.readouterr()
    assert captured.out == '{"loss": null}\n'
    assert captured.err == ""


def test_options_after_two_dashes_are_not_ours() -> None:
    output.configure(["run", "--quiet", "--", "--json"])
    assert (output.current().quiet, output.current().json) == (True, False)
    output.configure([])


def test_signs_are_spelled_out_for_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert output.readable("16×16, γ ≤ 0.1 … ü", stream) == "16x16, gamma <= 0.1 ... ?"


def test_pace_counts_from_where_a_task_began(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    pace = Pace()
    pace.update(Progress(task="pretrain", done=500, total=1000, unit="steps"))
    assert pace.rate is None
    now = 110.0
    pace.update(Progress(task="pretrain", done=600, total=1000, unit="steps"))
    assert pace.rate == pytest.approx(10)
    assert pace.counts() == "600/1,000 steps"
    assert pace.figures() == ["10.0/s", "0:10 elapsed", "0:40 left"]
    pace.update(Progress(task="validate", done=0, total=4))
    assert pace.rate is None


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "…"), ("ascii", "...")])
def test_tables_break_neither_words_nor_numbers(
    monkeypatch: pytest.MonkeyPatch, encoding: str, mark: str
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    monkeypatch.setattr("sys.stdout", stream)
    columns = ("store", "grid", "trajectories", "windows", "tokens a frame", "GFLOP a sample", "×")
    name = "a_rather_long_name_of_a_store_with_many_specific_heats"
    long = render.Lines((name, "  activator, inhibitor"))
    rows = [(long, "128×128×128", 1234567, 8e6, "1,024", 0.12921, "11.4 ‡")]
    render.table("Trained on", columns, rows)
    stream.flush()
    text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(rf"\ba_\w+{re.escape(mark)}\w+heats\b", text)
    for word in ("1,234,567", "0.1292", "1,024", "activator,", "inhibitor", "trajectories"):
        assert word in text.split()
    assert output.readable("11.4 ‡", stream) in text
    assert "heats\n" not in text.split("Trained on")[0]


def test_a_terminal_does_not_break_words_of_notes_and_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(output, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    words = "several words of which none is broken anywhere " * 3
    render.note(words)
    render.note(f"Next: matey pretrain --data {'x' * 40}", wraps=False)
    render.error(words, words)
    stream.flush()
    lines = stream.buffer.getvalue().decode().splitlines()  # type: ignore[attr-defined]
    assert lines.pop(4) == f"Next: matey pretrain --data {'x' * 40}"
    assert max(map(len, lines)) <= 40
    assert set(" ".join(lines).split()) == {"error:", *words.split()}
    assert lines[4].startswith("error: several")
    assert all(line.startswith("  ") for line in lines[5:])


@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_a_file_has_colors_where_they_are_forced(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    is_colored: bool,
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    render.heading("Scores")
    render.error("Wrong.")
    shown = capsys.readouterr()
    assert (shown.out == "\x1b[1mScores\x1b[0m\n") == is_colored
    assert shown.err.startswith("\x1b[1;31merror:\x1b[0m") == is_colored


def test_columns_without_any_text_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    render.table("Runs", ["", "name"], [("", "a"), ("", "b c")])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["Runs"],
        ["name"],
        ["a"],
        ["b", "c"],
    ]


def test_a_terminal_does_not_break_words_of_facts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    render.facts("Shared", files="README.md, config.toml, model/model.safetensors", size="1 kB")
    title, first, second, last = capsys.readouterr().out.splitlines()
    assert "Shared" in title
    assert first == "  files  README.md, config.toml,"
    assert second == "         model/model.safetensors"
    assert last == "  size   1 kB"
