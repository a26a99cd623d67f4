"""No link in a run or in unfinished work leads what is written to files of others."""

import shutil
from pathlib import Path

import pytest

from matey_core.errors import MateyError
from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.pretrain import pretrain, resume
from matey_core.workflows.rollout import RolloutConfig, rollout
from matey_core.workflows.simulate import SimulateConfig, simulate
from tests.support import files_below, tiny_source, tiny_store
from tests.training import pretrain_config


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Files of others, in a tree with the names that matey uses."""
    place = tmp_path / "others"
    for name in ("density/c/0/0/0", "zarr.json", "store/zarr.json", "step-00000009/file", "file"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("theirs")
    return place


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps that was stopped after the first."""
    folder = tmp_path_factory.mktemp("trained")
    tiny_store(folder / "data", shape=(8, 8), samples=6)
    pretrain(pretrain_config(folder, steps=1, validate_every=1))
    file = folder / "runs/pretrain-001/config.toml"
    file.write_text(file.read_text().replace("steps = 1\n", "steps = 2\n"))
    return folder


RUN = {
    "journal.jsonl": "file",
    "journal.jsonl.partial": "file",
    "model.partial": "",
    "model": "",
    "data.json.partial": "file",
    "checkpoints": "",
    "checkpoints/step-00000002.partial": "",
    "checkpoints/step-00000002": "",
    "checkpoints/last.partial": "file",
    "checkpoints/best.partial": "file",
    "checkpoints/step-00000009": "step-00000009",
    "rollout": "",
    "lock": "file",
}


@pytest.mark.parametrize("name", RUN)
def test_training_goes_on_in_its_own_folder(
    name: str, trained: Path, others: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained / "runs", runs)
    link = runs / "pretrain-001" / name
    kept = files_below(others)
    if link.is_dir():
        # What is read stays the same, so that only writing could tell.
        shutil.copytree(link, others, dirs_exist_ok=True)
        kept = files_below(others)
        shutil.rmtree(link)
    elif link.exists():
        shutil.copy(link, others / "file")
        kept = files_below(others)
        link.unlink()
    link.symlink_to(others / RUN[name])
    problem = ""
    try:
        resume(runs)
    except MateyError as error:
        problem = str(error)
    assert ("is a link" in problem) == (not name.endswith(".partial")), problem
    assert files_below(others) == kept


@pytest.mark.parametrize("name", ["rollout", "rollout/tiny_periodic.zarr.partial"])
def test_a_rollout_stays_in_its_run(name: str, trained: Path, others: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained / "runs", runs)
    link = runs / "pretrain-001" / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(others)
    kept = files_below(others)
    problem = ""
    try:
        rollout(RolloutConfig(run=runs / "pretrain-001", steps=2))
    except MateyError as error:
        problem = str(error)
    assert ("is a link" in problem) == (name == "rollout"), problem
    assert files_below(others) == kept


STORE = {
    "": "",
    "lock": "file",
    "plan.json": "file",
    "plan.json.new": "file",
    "journal.jsonl": "file",
    "journal.jsonl.new": "file",
    "store": "store",
    "store/zarr.json": "file",
    "store/density": "density",
    "store/density/c/0/0/0": "file",
    "replaced": "",
}


@pytest.mark.parametrize("name", STORE)
def test_a_store_is_written_in_its_own_folder(name: str, others: Path, tmp_path: Path) -> None:
    source = tiny_source(tmp_path / "a_periodic.h5", shape=(8,), samples=3)
    link = tmp_path / "zarr/a_periodic.zarr.partial" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(others / STORE[name])
    kept = files_below(others)
    prepare(PrepareConfig(source=source))
    assert files_below(others) == kept
    assert not any(path.is_symlink() for path in (tmp_path / "zarr").rglob("*"))
    assert (tmp_path / "zarr/a_periodic.zarr/zarr.json").is_file()


@pytest.mark.parametrize("name", ["", "lock", "plan.json", "plan.json.new", "0.npy.new", "0.json"])
def test_simulations_are_kept_in_their_own_folder(name: str, others: Path, tmp_path: Path) -> None:
    config = SimulateConfig(simulator="advection_1d", samples=1, out=tmp_path, grid=16)
    done = simulate(config)
    done.path.unlink()
    link = done.path.with_name(f"{done.path.stem}.simulated.partial") / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(others / ("file" if name else ""))
    kept = files_below(others)
    simulate(config)
    assert files_below(others) == kept
