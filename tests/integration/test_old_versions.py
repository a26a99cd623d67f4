"""What version 0.1 wrote is read, and gives the numbers that it gave then.

`tests/fixtures/v0_1/README.md` says how it was written. `expected.json` is never recorded again:
a failure is a lost promise to those who have such files.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from tests.command import Matey, document

FIXTURES = Path(__file__).parents[1] / "fixtures" / "v0_1"
EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
STORES = ("data/zarr/2D_diff-react_NA_NA.zarr", "other/zarr/1D_Burgers_Sols_Nu0.01.zarr")
ROLLED_OUT = ("pretrained", "paper", "finetuned", "unfinished")
SHORT = ("--steps", 3, "--batch-size", 2, "--precision", "float32", "--device", "cpu")

ADAMW = ("--set", "optimizer.name=adamw")
AS_THEN = (
    "--set",
    "optimizer.learning_rate=5e-4",
    "--loss",
    "nrmse",
    "--objective",
    "one_step",
    "--augment",
    "noise",
    *ADAMW,
)
"""What was done by default when the fixtures were made."""

Answers = Callable[..., Any]


@pytest.fixture
def answers(matey: Matey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Run a command in a copy of what was written, and return its JSON document."""
    with tarfile.open(FIXTURES / "written.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: document(matey(*arguments, "--json"))


@pytest.mark.parametrize("path", STORES)
def test_a_store_has_the_same_values_and_description(answers: Answers, path: str) -> None:
    expected = EXPECTED["stores"][Path(path).stem]
    assert hashes(Path(path)) == expected["hashes"]
    (item,) = answers("data", "inspect", path)["items"]
    for key in ("dims", "fields", "dtype", "parameters", "splits", "encoding"):
        assert item[key] == expected[key], key
    assert answers("data", "check", path)["errors"] == 0


@pytest.mark.parametrize("run", ROLLED_OUT)
def test_a_run_predicts_the_same(answers: Answers, run: str) -> None:
    found = rolled_out(answers, Path("runs") / run)
    expected = EXPECTED["rollouts"][run]
    assert found["scores"] == pytest.approx(expected["scores"], rel=1e-5)
    np.testing.assert_allclose(found["values"], expected["values"], rtol=1e-5, atol=1e-6)


def test_states_of_a_rollout_are_those_that_were_written(answers: Answers) -> None:
    name = Path(STORES[0]).name
    with xarray.open_zarr(f"runs/pretrained/rollout/{name}", consolidated=False) as dataset:
        written = dataset.load()
    answers("rollout", "runs/pretrained", "--steps", 2, "--out", "again")
    with xarray.open_zarr(f"again/{name}", consolidated=False) as dataset:
        xarray.testing.assert_allclose(dataset.load(), written, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("run", ["pretrained", "paper"])
def test_a_bare_model_folder_predicts_the_same(answers: Answers, run: str) -> None:
    shutil.copytree(f"runs/{run}/model", "model")
    found = rolled_out(answers, Path("model"), "--data", "data", "--history", 2)
    assert found["scores"] == pytest.approx(EXPECTED["rollouts"][run]["scores"], rel=1e-5)


@pytest.mark.parametrize("run", ["pretrained", "paper", "finetuned"])
def test_a_run_is_fine_tuned_again(answers: Answers, run: str) -> None:
    losses = fine_tuned(answers, run)
    assert losses == pytest.approx(EXPECTED["finetuned"][run], rel=1e-4)


def test_an_unfinished_run_is_resumed_to_its_end(answers: Answers) -> None:
    report = answers("pretrain", "--resume", "--name", "unfinished")
    assert report["steps"] == 60
    losses = step_losses(Path("runs/unfinished"))[-10:]
    assert losses == pytest.approx(EXPECTED["resumed"], rel=1e-4)


def test_cells_of_a_study_are_trained_again_with_the_same_errors(answers: Answers) -> None:
    """Cells have other keys since a study is a file; `test_recorded.py` judges the old ones."""
    before = errors_of_cells()
    assert len(before) == 8
    study(answers)
    assert errors_of_cells() == {
        key: pytest.approx(errors, rel=1e-4) for key, errors in before.items()
    }


def errors_of_cells() -> dict[tuple[str, str], dict[str, float]]:
    """Errors by arm and seed, the newest of each."""
    lines = Path("study/cells.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["event"] == "cell"]
    return {(row["arm"], str(row["seed"])): row["errors"] for row in rows}


def hashes(path: Path) -> dict[str, str]:
    """SHA-256 of each array of a store, as xarray reads it."""
    with xarray.open_zarr(path, consolidated=False, decode_times=False) as dataset:
        arrays = {str(name): np.ascontiguousarray(dataset[name]) for name in dataset.variables}
    return {
        name: hashlib.sha256(
            repr(array.tolist()).encode() if array.dtype.kind in "OTU" else array.tobytes()
        ).hexdigest()
        for name, array in sorted(arrays.items())
    }


def rolled_out(answers: Answers, run: Path, *options: object) -> dict[str, list[float]]:
    """Errors of a rollout over two frames, and every 23rd value of the last one."""
    report = answers("rollout", run, "--steps", 2, "--out", "states", *options)
    scores, values = [], []
    for store in report["stores"]:
        for row in (store["one_step_mean"], *(lead["mean"] for lead in store["rollout"])):
            scores += [row["nrmse"], row["vrmse"], row["persistence_nrmse"]]
        with xarray.open_zarr(store["path"], consolidated=False) as dataset:
            for name in sorted(map(str, dataset.data_vars)):
                values += dataset[name].values[0, -1].ravel()[::23].tolist()
    return {"scores": scores, "values": values}


def fine_tuned(answers: Answers, run: str) -> list[float]:
    """Losses of three steps on the store of one axis, whose field is new to the pretrained."""
    line = ("finetune", f"runs/{run}", "--data", "other", "--name", "again", *SHORT)
    answers(*line, "--set", "validation_batches=1", *AS_THEN)
    return step_losses(Path("runs/again"))


def step_losses(run: Path) -> list[float]:
    """Loss of every step in a run's journal."""
    rows = map(json.loads, (run / "journal.jsonl").read_text(encoding="utf-8").splitlines())
    return [row["loss"] for row in rows if row["event"] == "step"]


def study(answers: Answers) -> None:
    """Run the study that the fixtures hold once more."""
    tiny = ("model.width=8", "model.depth=1", "model.heads=2", "validation_batches=1", "workers=0")
    line = "study equal-cost --data data --levels 8,4 --tokens 10 --only steps --steps 5 --seeds 2"
    more = "--measure 0.01 --rollout-steps 3 --batch-size 2 --history 2 --max-lead 2 --out study"
    then = ("validate_every=5", "model.variant=matey", "loss=nrmse", "objective=one_step")
    then = (*then, 'augment=["noise"]', "optimizer.name=adamw")
    settings = [part for key in (*tiny, *then) for part in ("--set", key)]
    answers(*line.split(), *more.split(), "--precision", "float32", *settings)
