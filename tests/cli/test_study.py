"""`matey study equal-cost`, as typed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.command import Matey
from tests.support import tiny_store

TOML = """
history = 2
max_lead = 2
batch_size = 4
validation_batches = 1
precision = "float32"
workers = 0
validate_every = 5
[model]
width = 16
depth = 1
heads = 2
"""
LINE = ("study", "equal-cost", "--config", "settings.toml", "--levels", "8,4", "--tokens", "10")
ONLY_STEPS = (*LINE, "--only", "steps", "--steps", "5", "--seeds", "2", "--measure", "0.01")
REACH = ("--rollout-steps", "3")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store of 16×16 points, one that cannot be tested on, and settings."""
    folder = tmp_path_factory.mktemp("study")
    tiny_store(folder / "data", name="tiny_periodic", samples=5, frames=8)
    split = (0.8, 0.2, 0.0)
    tiny_store(folder / "data", name="untested_periodic", samples=5, frames=8, split=split)
    (folder / "settings.toml").write_text(TOML)
    (folder / "budget.toml").write_text(f"flops = 1e6\n{TOML}")
    return folder


def test_a_killed_study_goes_on_and_reports_what_an_unkilled_one_does(
    matey: Matey, place: Path
) -> None:
    line = (*ONLY_STEPS, *REACH, "--arms", "adap_mix")
    killed, whole = place / "killed", place / "whole"
    finished = kill_after_a_cell(place, (*line, "--out", "killed"), killed / "cells.jsonl")
    assert len(finished) == 1
    assert not (killed / "report.md").exists()

    again = matey(*line, "--out", "killed", cwd=place)
    assert again.returncode == 0
    assert f"4 cells, {len(finished)} of them finished" in again.stderr
    assert "Wrote killed/report.md" in again.stdout
    assert [row["key"] for row in lines(killed)[: len(finished)]] == finished
    assert len({row["key"] for row in lines(killed)}) == len(lines(killed)) == 4

    # The same times of steps, so that only training could make a difference.
    whole.mkdir()
    shutil.copy(killed / "costs.json", whole / "costs.json")
    done = matey(*line, "--out", "whole", "--json", cwd=place)
    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads((whole / "report.json").read_text())
    assert results(whole) == results(killed)

    check_that_a_cell_can_be_reproduced_by_hand(matey, place, whole)


def check_that_a_cell_can_be_reproduced_by_hand(matey: Matey, place: Path, study: Path) -> None:
    row = lines(study)[-1]
    config = study / "runs" / row["run"] / "config.toml"
    trained = matey(
        "pretrain", "--config", config, "--name", "again", "--runs", "by-hand", "--json", cwd=place
    )
    assert trained.returncode == 0
    tested = matey("rollout", "by-hand/again", "--steps", 3, "--json", cwd=place)
    [store] = json.loads(tested.stdout)["stores"]
    assert store["one_step_mean"]["nrmse"] == row["errors"]["nrmse"]
    assert store["one_step_mean"]["vrmse"] == row["errors"]["vrmse"]
    assert [lead["mean"]["nrmse"] for lead in store["rollout"]] == row["leads"]


def test_both_comparisons_with_the_picture(matey: Matey, place: Path) -> None:
    line = (*LINE, "--seconds", "0.3", "--seeds", "1", "--measure", "0.01", *REACH)
    done = matey(*line, "--out", "both", "--arms", "adap_mix,adap_mul", cwd=place)
    assert done.returncode == 0
    for expected in ("equal seconds: 0.3 s", "equal steps:", "the spread of seeds is unknown"):
        assert expected in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    report = json.loads((place / "both" / "report.json").read_text())
    kinds = [comparison["equal"] for comparison in report["study"]["comparisons"]]
    assert kinds == ["seconds", "steps"]
    # The finest uniform patch has the same cell in both: five are trained, not six.
    assert len(lines(place / "both")) <= 5
    if report["study"]["plot"]:
        assert (place / "both" / "report.png").read_bytes().startswith(b"\x89PNG")
    for row in lines(place / "both"):
        assert {path.name for path in (place / "both" / "runs" / row["run"]).iterdir()} == {
            "config.toml",
            "data.json",
            "journal.jsonl",
            "lock",
            "model",
            "report.html",
            "versions.json",
        }


def test_a_plan_measures_and_trains_nothing(matey: Matey, place: Path) -> None:
    done = matey(*ONLY_STEPS, "--out", "plan", "--plan", cwd=place)
    assert done.returncode == 0
    for expected in ("uniform-8", "adap_mul-8-4-10-variance", "8 cells take about"):
        assert expected in done.stdout
    assert not (place / "plan" / "cells.jsonl").exists()
    assert not (place / "plan" / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--arms", "adapmix"), "There is no arm 'adapmix'"),
        (("--levels", "32,8"), "A patch of 32 points does not fit the grid, which has 16×16"),
        (("--levels", "8,3"), "The patches 8,3 are no ladder"),
        (("--levels", "8,4", "--fine", "4"), "--coarse and --fine are its ends"),
        (
            ("--store", "untested_periodic"),
            "untested_periodic cannot be studied: it has no test trajectory",
        ),
        (("--store", "other"), "There is no store 'other'"),
        (("--data", "nowhere"), "There is no store in nowhere"),
        (("--tokens", "3"), "3 tokens are fewer than the 4 coarsest cells"),
        (("--criterion", "variances"), "unknown name 'variances' in criteria"),
        (("--config", "budget.toml"), "have flops, which would replace the tokens of every arm"),
        (("--set", "tokens_range=[4,16]"), "the study chooses this setting"),
        (("--tokens", "17"), "17 tokens are more than the 16 of the finest uniform patch"),
        (("--tokens", "inf%"), "'inf%' is no number of tokens"),
        (("--set", "steps=3"), "--set steps has no effect: the study chooses this setting"),
        (("--set", "model.tokenizer.ratio=0.5"), "the study chooses this setting"),
        (("--learning-rates", "fast"), "takes numbers above 0 between commas, not 'fast'"),
    ],
)
def test_mistakes_are_one_message_before_anything_is_trained(
    matey: Matey, place: Path, arguments: tuple[str, ...], expected: str
) -> None:
    line = [*ONLY_STEPS, "--out", "wrong", *arguments]
    done = matey(*line, cwd=place)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stdout == ""
    assert not (place / "wrong" / "runs").exists()


def test_a_ladder_from_its_ends(matey: Matey, place: Path) -> None:
    line = ("study", "equal-cost", "--plan", "--config", "settings.toml", "--measure", "0.01")
    done = matey(
        *line,
        "--coarse",
        8,
        "--fine",
        2,
        "--tokens",
        "34",
        "--arms",
        "uniform,adap_mix",
        "--out",
        "ends",
        cwd=place,
    )
    assert done.returncode == 0
    for expected in ("uniform-4", "adap_mix-8-2-34-variance", "adap_mix-8-4-2-34-variance"):
        assert expected in done.stdout
    wrong = matey(*line, "--coarse", 12, "--fine", 4, cwd=place)
    assert "Halving a patch of 12 points never gives 4" in wrong.stderr


HELD = """
import time
from matey_cli.app import main
from matey_core.cells.log import CellLog
add = CellLog.add
def add_one(log, *cell):
    while log.results:
        time.sleep(1)
    add(log, *cell)
CellLog.add = add_one
main()
"""
"""The command line, where a study gets no further than its second cell."""


def kill_after_a_cell(place: Path, line: tuple[str, ...], log: Path) -> list[str]:
    """Start a study, kill it while it is at its second cell; say what is done."""
    process = subprocess.Popen(
        [sys.executable, "-c", HELD, *line],
        cwd=place,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and b'"cell"' in log.read_bytes():
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return [row["key"] for row in lines(log.parent)]


def lines(study: Path) -> list[dict[str, Any]]:
    """Finished cells; a line that was cut off is none."""
    text = (study / "cells.jsonl").read_text()
    rows = [json.loads(row) for row in text.splitlines(keepends=True) if row.endswith("\n")]
    return [row for row in rows if row["event"] == "cell"]


def results(study: Path) -> dict[str, Any]:
    """The report without its place and without times of training."""
    report = json.loads((study / "report.json").read_text())
    for key in ("out", "plot", "notes"):
        del report["study"][key]
    for comparison in report["study"]["comparisons"]:
        for each in comparison["arms"]:
            del each["step_seconds"]
    return dict(report)
