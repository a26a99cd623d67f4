"""`matey runs`, `matey compare` and `matey info` as they are typed."""

import json
from pathlib import Path

import pytest

from tests.command import Matey
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    store = tiny_store(folder / "data", samples=6, frames=9)
    tiny_run(folder, store)
    tiny_run(folder, store, seed=3)
    return folder


def test_runs_are_a_line_each(matey: Matey, project: Path) -> None:
    matey("rollout", "pretrain-001", "--quiet", "--no-plot", cwd=project)
    lines = matey("runs", cwd=project).stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("pretrain-")] == [
        "pretrain-002",
        "pretrain-001",
    ]
    assert max(map(len, lines)) <= 80
    (ratio,) = {
        each["summary"]["ratio"]
        for each in json.loads((project / "runs/pretrain-001/scores.json").read_text())["stores"]
    }
    assert f" {ratio:.3g} ‡" in lines[3]
    found = json.loads(matey("runs", "--json", cwd=project).stdout)
    assert [run["name"] for run in found["runs"]] == ["pretrain-002", "pretrain-001"]


def test_runs_are_compared(matey: Matey, project: Path) -> None:
    out = matey("compare", "pretrain-001", "pretrain-002", cwd=project).stdout
    assert [line.split() for line in out.splitlines() if line.startswith("seed")] == [
        ["seed", "0", "3"]
    ]
    done = matey("compare", "pretrain-001", cwd=project)
    assert done.returncode == 2
    assert "1 run is named, expected two or more" in done.stderr


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((), ("pretrain-002 (run of matey pretrain)", "history", "tiny_periodic", "periodic")),
        (("pretrain-001",), ("pretrain-001 (run of matey pretrain)", "density, velocity_x")),
        (("runs/pretrain-001/model",), ("(model)", "parameters", "density, velocity_x")),
        (("tiny_periodic",), ("tiny_periodic (store, matey 2)", "2 train, 2 validation, 2 test")),
        (("data",), ("Data in data", "tiny_periodic")),
    ],
)
def test_whatever_it_is_info_says_it(
    matey: Matey, project: Path, path: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = matey("info", *path, cwd=project)
    assert done.returncode == 0
    for word in words:
        assert word in done.stdout
    assert "\\n" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert json.loads(matey("info", *path, "--json", cwd=project).stdout)


def test_info_names_what_is_not_there(matey: Matey, project: Path) -> None:
    done = matey("info", "nothing", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing is no run in runs, no store in data, and no path" in done.stderr
