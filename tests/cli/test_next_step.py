"""Every command ends by naming the next one, with the folders that it needs."""

from pathlib import Path

import numpy as np
import pytest

from matey_cli import output
from matey_cli.lazy import COMMANDS, load, paths
from matey_cli.next_step import name_next
from tests.command import Matey
from tests.support import tiny_source
from tests.unit.workflows.runs import tiny_run

SHARED = {"_training": "_training.py", "_running": "study/_running.py"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    output.configure([])
    return tmp_path


def next_line(capsys: pytest.CaptureFixture[str], *words: object, **folders: Path | str) -> str:
    name_next(*words, **folders)  # type: ignore[arg-type]
    return capsys.readouterr().err.removeprefix("Next: ").rstrip("\n")


def test_folders_are_named_where_they_are_not_the_usual_ones(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    assert next_line(capsys, "pretrain", data=here / "data/zarr") == "matey pretrain"
    assert next_line(capsys, "pretrain", data="thermals/zarr") == "matey pretrain --data thermals"
    assert next_line(capsys, "pretrain", data="zarr") == "matey pretrain --data zarr"
    assert next_line(capsys, "pretrain", data=here / "zarr") == "matey pretrain --data zarr"
    remote = next_line(capsys, "pretrain", data="s3://bucket/data/zarr")
    assert remote == "matey pretrain --data s3://bucket/data"
    assert next_line(capsys, "rollout", "a b", runs=Path("runs")) == "matey rollout 'a b'"
    assert next_line(capsys, "runs", runs=Path("../x")) == "matey runs --runs ../x"
    (here / "matey.toml").write_text('data = "thermals"\nruns = "out"\n')
    assert next_line(capsys, "pretrain", data="thermals/zarr") == "matey pretrain"
    assert next_line(capsys, "runs", runs=Path("runs")) == "matey runs --runs runs"


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_nothing_is_named_where_nobody_reads(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    output.configure([option])
    assert next_line(capsys, "pretrain") == ""
    output.configure([])


@pytest.mark.parametrize("path", paths(), ids=" ".join)
def test_every_command_names_one(path: tuple[str, ...]) -> None:
    place = COMMANDS.joinpath(*(part.replace("-", "_") for part in path))
    if place.is_dir():
        return
    text = place.with_suffix(".py").read_text("utf-8")
    shared = [COMMANDS / file for name, file in SHARED.items() if f"{name} import" in text]
    assert "name_next(" in text + "".join(file.read_text("utf-8") for file in shared)


def test_a_source_is_converted_as_it_was_inspected(matey: Matey, here: Path) -> None:
    np.save(here / "waves.npy", np.random.default_rng(0).random((4, 6, 8, 8), np.float32))
    options = "--dims sample,time,y,x --boundary y=periodic,x=no_slip --time-step 0.5"
    line = f"waves.npy --reader array {options}"
    done = matey("data", "inspect", *line.split(), cwd=here)
    following = f"prepare array waves.npy {options}"
    assert done.stderr.splitlines()[-1] == f"Next: matey {following}"
    assert matey(*following.split(), cwd=here).returncode == 0


def test_the_whole_job_leads_from_one_command_to_the_next(matey: Matey, here: Path) -> None:
    tiny_source(here / "waves/flow.h5")
    done = matey("prepare", "pdebench", "waves", cwd=here)
    assert done.stderr.splitlines()[-1] == "Next: matey pretrain --data waves"
    run = tiny_run(here, *(here / "waves/zarr").glob("*.zarr"))
    for line, following in (
        (f"info {run.path.name}", "rollout pretrain-001"),
        ("rollout pretrain-001 --no-plot", "runs"),
        ("runs", "info runs/pretrain-001"),
        ("info", "runs"),
    ):
        done = matey(*line.split(), cwd=here)
        assert done.stderr.splitlines()[-1] == f"Next: matey {following}"
        words = following.split()
        load(words[0]).make_context(words[0], words[1:])
