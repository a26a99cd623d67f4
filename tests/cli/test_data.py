"""`matey data check` and `matey data inspect`, and groups of commands."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from matey_cli.lazy import paths, summaries
from tests.command import Matey
from tests.support import tiny_source, tiny_store
from tests.unit.linting.defects import values


def test_a_group_lists_its_commands(matey: Matey) -> None:
    assert list(summaries("data")) == ["check", "inspect"]
    assert ("data", "check") in paths()
    for arguments in (["data"], ["data", "--help"]):
        result = matey(*arguments)
        assert result.returncode == 0
        assert result.stdout.startswith("Usage: matey data ")
        for name, summary in summaries("data").items():
            assert name in result.stdout
            assert summary in result.stdout


@pytest.mark.parametrize("command", summaries("data"))
def test_help_of_its_commands(matey: Matey, command: str) -> None:
    result = matey("data", command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"Usage: matey data {command} ")
    assert f"  matey data {command}" in result.stdout
    assert "\\b" not in result.stdout
    for option in ("--json", "--quiet", "--debug", "--help"):
        assert option in result.stdout


def test_a_group_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from matey_cli.app import _run\n"
        "for line in (['data'], ['data', 'check', '--help'], ['data', 'inspect', '--help']):\n"
        "    assert _run(line) == 0\n"
        "print(*{'torch', 'zarr', 'xarray', 'h5py', 'numpy'} & set(sys.modules), file=sys.stderr)\n"
        "import matey_core.workflows.prepare\n"
        "assert not {'torch', 'xarray', 'pandas'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr.strip()) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["data", "chek"], "Did you mean check?"),
        (["data", "check", "--limt", "3"], "Did you mean --limit?"),
        (["data", "check", "nowhere"], "nowhere is no store"),
        (["data", "inspect", "nowhere"], "nowhere"),
        (["data", "check", "--only", "finit", "."], "Did you mean finite?"),
    ],
)
def test_mistakes(matey: Matey, arguments: list[str], problem: str) -> None:
    result = matey(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert problem.replace("'", "") in result.stderr.replace("'", "")
    assert "Traceback" not in result.stderr


def test_check_of_a_project_without_defects(matey: Matey, project: Path) -> None:
    result = matey("data", "check", cwd=project)
    assert (result.returncode, result.stderr) == (0, "Next: matey pretrain\n")
    assert "flat_periodic: nothing found" in result.stdout
    assert result.stdout.endswith("0 errors, 0 warnings, 0 notes in 2 stores.\n")


def test_a_store_is_known_by_its_name(matey: Matey, project: Path) -> None:
    for verb in ("check", "inspect"):
        done = matey("data", verb, "flat_periodic", cwd=project)
        assert done.returncode == 0, done.stderr
        assert "flat_periodic" in done.stdout
        assert "line_periodic" not in done.stdout


def test_check_of_a_damaged_store(matey: Matey, tmp_path: Path) -> None:
    path = tiny_store(tmp_path)
    values(path, "density", 2)[7, 3, 5] = np.nan
    result = matey("data", "check", path)
    assert (result.returncode, result.stderr) == (1, f"Next: matey data inspect {path}\n")
    text = " ".join(result.stdout.split())
    assert "density, sample 2" in text
    assert "frame 7," in text
    assert "cell (3, 5)" in text
    assert "1 error, 0 warnings, 0 notes in 1 store." in text
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert matey("data", "check", path, "--only", "periodic,time").returncode == 0


def test_a_store_that_is_slow_to_read_is_noted_once(matey: Matey, tmp_path: Path) -> None:
    path = tiny_store(tmp_path)
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    stored = group["density"][:]
    described = json.loads((path / "zarr.json").read_text())
    del described["consolidated_metadata"]
    (path / "zarr.json").write_text(json.dumps(described))
    names = ("sample", "time", "x", "y")
    array = group.create_array(
        "density",
        shape=stored.shape,
        dtype="float32",
        fill_value=float("nan"),
        chunks=(1, 4, 8, 8),
        dimension_names=names,
        overwrite=True,
    )
    array[:] = stored
    for command in ("check", "inspect"):
        result = matey("data", command, path)
        assert result.returncode == 0
        assert result.stderr.count("is read by Zarr itself") == 1
        assert "for density, chunks are encoded by bytes (little-endian), zstd" in result.stderr
        assert matey("data", command, path, "--quiet").stderr == ""
    assert "4 frames a chunk file (0.00102 MB), compressed\n" in result.stdout


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_check_as_a_document(matey: Matey, tmp_path: Path, place: str) -> None:
    path = tiny_store(tmp_path)
    values(path, "density", 2)[7, 3, 5] = np.inf
    line = {
        "before": ["--json", "data", "check", path],
        "between": ["data", "--json", "check", path],
        "after": ["data", "check", path, "--json"],
    }[place]
    result = matey(*line)
    assert (result.returncode, result.stderr) == (1, "")
    found = json.loads(result.stdout)
    (store,) = found["stores"]
    finding = store["findings"][0]
    assert (finding["check"], finding["severity"], finding["cell"]) == ("finite", "error", [3, 5])
    assert found["errors"] == sum(each["severity"] == "error" for each in store["findings"])


def test_inspect_of_a_store_and_of_a_folder(matey: Matey, project: Path) -> None:
    place = "data/zarr/flat_periodic.zarr"
    result = matey("data", "inspect", place, cwd=project)
    assert (result.returncode, result.stderr) == (0, f"Next: matey data check {place}\n")
    words = " ".join(result.stdout.split())
    assert words.startswith("flat_periodic (store, matey 2) path data/zarr/flat_periodic.zarr")
    assert "x 32 0.01562 0.9844 0.03125 – periodic" in words
    assert "▀" not in result.stdout
    result = matey("data", "inspect", cwd=project)
    assert result.returncode == 0
    assert result.stdout.count("6 × 12 × 32×32") == 2
    assert result.stdout.count("source, pdebench") == 2


def test_inspect_as_a_document(matey: Matey, tmp_path: Path) -> None:
    tiny_source(tmp_path / "flow_periodic.h5")
    result = matey("data", "inspect", "flow_periodic.h5", "--json")
    (item,) = json.loads(result.stdout)["items"]
    assert (item["kind"], item["layout"], item["splits"]) == ("source", "pdebench", None)
    assert [field["name"] for field in item["fields"]] == ["density", "velocity_x"]
    assert "snapshots" not in item


def on_a_terminal(*arguments: object, **environment: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "matey_cli", *map(str, arguments)],
        stdout=slave,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
    ) as process:
        os.close(slave)
        content = b""
        while True:
            try:
                content += os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not content:
                break
        assert process.wait(60) == 0
    os.close(master)
    return content.decode()


@pytest.mark.parametrize(
    ("shape", "environment", "signs", "lines"),
    [
        ((24, 32), {"COLORTERM": "truecolor"}, "▀", 2 * 9),
        ((24, 32), {"NO_COLOR": "1"}, "@", 2),
        ((64,), {}, "█", 2 * 3),
    ],
)
def test_pictures_on_a_terminal(
    tmp_path: Path, shape: tuple[int, ...], environment: dict[str, str], signs: str, lines: int
) -> None:
    path = tiny_store(tmp_path, shape=shape)
    text = on_a_terminal("data", "inspect", path, **environment)
    drawn = [line for line in text.splitlines() if signs in line]
    assert len(drawn) >= lines
    assert "t = 0.2500" in text
    assert ("\x1b[38;2;" in text) == ("COLORTERM" in environment)
