"""`matey study run`, as typed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.command import Matey
from tests.support import tiny_store

STUDY = """
title = "Few samples"

[pretraining]
data = "old/zarr"
history = 2
max_lead = 2
batch_size = 4
steps = 4
precision = "float32"
model = { width = 16, depth = 1, heads = 2, tokenizer = { patch = [8, 4] } }

[finetuning]
data = "new/zarr"
batch_size = 4
steps = 3
precision = "float32"

[evaluation]
steps = 2

[axes]
n_samples = [1, 2]
finetuning.seed = [0, 1]

[arms.full]
[arms.scratch]
settings = { from_scratch = true }

[[verdicts]]
rule = "ratio"
arm = "full"
against = "scratch"
at = { n_samples = 2 }
at_most = 0.01
level = "required"
source = "nobody"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    tiny_store(folder / "old", name="old_periodic", samples=6, frames=8)
    tiny_store(folder / "new", name="new_periodic", samples=8, frames=8)
    (folder / "few.toml").write_text(STUDY)
    return folder


@pytest.mark.slow
def test_a_killed_study_goes_on_in_parallel_and_a_required_claim_decides(
    matey: Matey, place: Path
) -> None:
    line = ("study", "run", "few.toml", "--out", "killed")
    log = place / "killed" / "cells.jsonl"
    kill_after_two_lines(place, line, log)
    before = log.read_text("utf-8").splitlines()
    finished = [json.loads(row)["key"] for row in before if row.endswith("}")]
    assert 2 <= len(finished) < 10

    again = matey(*line, "--jobs", 2, "--json", cwd=place)
    assert again.returncode == 1, again.stderr
    report = json.loads(again.stdout)
    assert (report["cells"], report["finished"]) == (8, 8)
    [verdict] = report["verdicts"]
    assert (verdict["outcome"], verdict["level"]) in (
        ("fails", "required"), ("uninformative", "required"),
    )  # fmt: skip
    rows = [json.loads(row) for row in log.read_text("utf-8").splitlines()]
    assert [row["key"] for row in rows[: len(finished)]] == finished
    assert len({row["key"] for row in rows}) == len(rows) == 10  # one pretraining, one of a step
    places = [each["at"] for each in report["comparisons"]]
    assert places == [{"n_samples": 1}, {"n_samples": 2}]

    shown = matey(*line, cwd=place)
    assert "8 cells, 8 of them finished" in shown.stderr
    assert "Wrote killed/report.md" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_a_plan_trains_nothing_and_mistakes_are_sentences(matey: Matey, place: Path) -> None:
    done = matey("study", "run", "few.toml", "--out", "plan", "--plan", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "8 cells and 1 pretraining that they share take about" in done.stdout
    assert not (place / "plan" / "cells.jsonl").exists()
    wrong = matey("study", "run", "few.toml", "--set", "finetuning.step=3", cwd=place)
    assert wrong.returncode == 2
    assert "unknown setting 'step'; did you mean 'steps'?" in " ".join(wrong.stderr.split())
    missing = matey("study", "run", "few", cwd=place)
    assert missing.returncode == 2
    assert "There is no study 'few'" in missing.stderr


def test_low_sample_is_planned_for_stores_of_ones_own(matey: Matey, place: Path) -> None:
    tiny = ("pretraining.model.preset=nano", "budget.seconds=0.5")
    line = ("study", "low-sample", "--data", "old/zarr", "--new", "new/zarr", "--out", "low")
    line += tuple(word for each in tiny for word in ("--set", each))
    done = matey(*line, "--plan", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    # 5 numbers of samples, 3 seeds, 8 arms and a forecast of all, and one pretraining.
    assert (plan["cells"], plan["pretrainings"], plan["finished"]) == (5 * 3 * 8 + 1, 1, 0)
    assert set(plan["step_seconds"]) == {"full", "lora", "head_only", "scratch", "fno", "unet"}
    assert plan["seconds"] > 0


def test_a_kind_without_cells_has_no_plan(matey: Matey, place: Path) -> None:
    done = matey("study", "run", "criterion", "--plan", cwd=place)
    assert done.returncode == 2
    assert "no effect on a study of the kind 'criterion'" in " ".join(done.stderr.split())


def kill_after_two_lines(place: Path, line: tuple[Any, ...], log: Path) -> None:
    """Start a study, and end it with SIGKILL while it makes its second cell or a later one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "matey_cli", *line],
        cwd=place,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and log.read_bytes().count(b"\n") >= 2:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
