"""`matey prepare` as typed: tables, JSON, exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import pytest

from matey_cli.app import main
from tests.support import tiny_source


class Answer(NamedTuple):
    code: object
    stdout: str
    stderr: str


def matey(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "matey_cli", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_literal_command_prepares_data(tmp_path: Path) -> None:
    tiny_source(tmp_path / "data" / "flow.h5")
    planned = matey("prepare", "pdebench", "./data", "--dry-run", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert "planned" in planned.stdout
    assert "147.5 kB" in planned.stdout
    assert not (tmp_path / "data" / "zarr").exists()
    done = matey("prepare", "pdebench", "./data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "density, velocity_x" in done.stdout
    assert "1 of 1 sources converted" in done.stdout
    assert (tmp_path / "data" / "zarr" / "flow.zarr" / "zarr.json").is_file()


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Run matey in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["matey", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Answer(ended.value.code, *capsys.readouterr())

    return run


def test_json_is_one_document_and_nothing_else(tmp_path: Path, here: Callable[..., Answer]) -> None:
    tiny_source(tmp_path / "flow.h5")
    done = here(
        *("prepare", "pdebench", ".", "--json", "--out", "stores", "--split", "2,1,1"),
        *("--limit", "4", "--seed", "3"),
    )
    report = json.loads(done.stdout)
    assert (done.code, done.stderr) == (0, "")
    (row,) = report["rows"]
    assert (row["status"], row["samples"], row["splits"]) == ("converted", 4, [2, 1, 1])
    assert row["store"] == "stores/flow.zarr"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pdebench", "."), ("other.h5", "weights", "0000/data")),
        (("pdebench", "empty"), ("no HDF5",)),
        (("pdebench", "nowhere"), ("does not exist",)),
        (("pdebenhc", "."), ("Did you mean 'pdebench'?",)),
        (
            ("pdebench", ".", "--split", "0.5,0.5"),
            ("--split takes TRAIN,VALIDATION,TEST such as 0.8,0.1,0.1",),
        ),
        (("pdebench", ".", "--limit", "0"), ("--limit",)),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    tmp_path: Path,
    here: Callable[..., Answer],
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    (tmp_path / "empty").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["weights"] = [1.0]
    done = here("prepare", *arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "other.h5"]
