"""`matey study criterion` as it is typed."""

import json
from pathlib import Path

import pytest

from tests.command import Matey
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    tiny_run(folder, tiny_store(folder / "data", samples=6, frames=12))
    return folder


def test_of_the_newest_run_with_nothing_else_typed(matey: Matey, audited: Path) -> None:
    done = matey("study", "criterion", cwd=audited)
    assert done.returncode == 0, done.stderr
    assert "tiny_periodic: error of the coarse pass in 1 of 4 cells of 8×8 points" in done.stdout
    for name in ("oracle", "variance", "gradient", "laplacian", "innovation", "random"):
        assert name in done.stdout
    assert "learned" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    picture = audited / "runs/pretrain-001/study-criterion.png"
    assert picture.is_file()
    assert str(picture.relative_to(audited)) in done.stderr


def test_without_a_model_it_says_so(matey: Matey, audited: Path) -> None:
    done = matey(
        "study", "criterion", "--without-model", "--patch", 4, "--criteria", "gradient+innovation",
        cwd=audited,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "error of persistence in 4 of 16 cells of 4×4 points" in done.stdout
    assert "6 trajectories" in done.stdout
    assert "stands in for a model" in done.stderr
    assert (audited / "study-criterion.png").is_file()


def test_json_has_curves_and_errors(matey: Matey, audited: Path) -> None:
    done = matey("study", "criterion", "--json", "--share", 0.5, "--split", "all", cwd=audited)
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["is_stand_in"] is False
    (store,) = report["stores"]
    assert (store["num_cells"], store["chosen"], store["trajectories"]) == (4, 2, 6)
    oracle, *others = store["criteria"]
    assert oracle["criterion"] == "oracle"
    assert oracle["gain"] == 1.0
    assert len(oracle["curve"]) == 101
    for row in others:
        assert 0 <= row["captured"]["value"] <= oracle["captured"]["value"]
        assert row["captured"]["standard_error"] >= 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--criteria", "varianse"], "Did you mean 'variance'?"),
        (["--patch", "4"], "--without-model"),
        (["--without-model", "--run", "pretrain-001"], "Give one"),
        (["--run", "nothing"], "is no run and no model directory"),
        (["--lead", "100"], "Take a smaller --history or --lead."),
        (["--without-model", "--patch", "100"], "Take a smaller --patch."),
        (["--data", "nowhere"], "There is no store in nowhere: it does not exist."),
        (["--out", "x.foo"], "ends in .foo"),
    ],
)
def test_mistakes_end_in_a_sentence(
    matey: Matey, audited: Path, options: list[str], expected: str
) -> None:
    done = matey("study", "criterion", *options, cwd=audited)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_the_oracle_cannot_be_trained_with(matey: Matey, audited: Path) -> None:
    done = matey(
        "pretrain", "--data", "data", "--set", "model.tokenizer.criterion=oracle", cwd=audited
    )
    assert done.returncode == 2
    assert "no model can choose its cells by it" in done.stderr
    assert not (audited / "runs/pretrain-002").exists()
