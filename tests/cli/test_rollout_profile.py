"""`matey rollout` and `matey profile` as they are typed."""

import json
from pathlib import Path

import pytest
import xarray as xr

from tests.command import Matey
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_run(folder, tiny_store(folder / "data", samples=6, frames=12))
    return folder


def test_rollout_ends_with_one_line_a_store(matey: Matey, project: Path) -> None:
    done = matey("rollout", cwd=project)
    note = "Nothing is limited: runs/pretrain-001/model does not say what its training data showed."
    assert (done.returncode, done.stderr) == (0, f"{note}\nNext: matey runs\n")
    out = done.stdout
    lines = [line for line in out.splitlines() if line.startswith("tiny_periodic")]
    assert len(lines) == 1
    scores = json.loads((project / "runs/pretrain-001/scores.json").read_text())
    summary = scores["stores"][0]["summary"]
    assert lines[0].split()[1] == f"{summary['nrmse']['1']:.2g}"
    assert f"{summary['good']}/{summary['known']}" in lines[0]
    assert "local linear" in lines[0]
    assert "‡ worse than that forecast" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) <= 24
    with xr.open_zarr(project / "runs/pretrain-001/rollout/tiny_periodic.zarr") as states:
        assert set(states.data_vars) == {"density", "velocity_x"}
        assert states["density"].notnull().all()
    assert (project / "runs/pretrain-001/rollout/tiny_periodic.png").is_file()


def test_rollout_in_full_has_every_field_and_lead(matey: Matey, project: Path) -> None:
    out = matey("rollout", "--full", "--no-plot", "--out", "full", cwd=project).stdout
    assert "tiny_periodic: one step, over all" in out
    assert "rollout of" in out
    for name in ("density", "velocity_x", "mean", "persistence", "linear", "local linear"):
        assert name in out
    assert "‡ worse than the best forecast without training" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    assert not (project / "full/tiny_periodic.png").exists()
    assert (project / "full/scores.json").is_file()


def test_steps_may_go_beyond_the_truth(matey: Matey, project: Path) -> None:
    line = "rollout --steps 15 --out beyond --no-plot --json"
    (store,) = json.loads(matey(*line.split(), cwd=project).stdout)["stores"]
    assert (store["steps"], len(store["rollout"])) == (15, 9)
    with xr.open_zarr(project / "beyond/tiny_periodic.zarr") as states:
        assert states.sizes["time"] == 15


def test_rollout_json_has_everything(matey: Matey, project: Path) -> None:
    done = matey("rollout", "--json", "--steps", "5", "--out", "there", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    out = done.stdout
    (result,) = json.loads(out)["stores"]
    assert [errors["lead"] for errors in result["rollout"]] == [1, 2, 3, 4, 5]
    scores = result["one_step"]["density"]
    assert scores["worse_than_persistence"] == [
        name for name in ("nrmse", "vrmse") if scores[name] > scores[f"persistence_{name}"]
    ]
    assert scores["best_forecast"] == {"nrmse": "local_linear", "vrmse": "local_linear"}
    assert scores["local_linear_nrmse"] < scores["linear_nrmse"]
    assert scores["worse_than_best_forecast"] == [
        name for name in ("nrmse", "vrmse") if scores[name] > scores[f"local_linear_{name}"]
    ]
    mean = sum(result["one_step"][name]["nrmse"] for name in ("density", "velocity_x")) / 2
    assert result["one_step_mean"]["nrmse"] == pytest.approx(mean)
    assert (project / "there/tiny_periodic.zarr").is_dir()


def test_profile_with_nothing_else_typed(matey: Matey, project: Path) -> None:
    line = "profile --seconds 0.1 --precision float32 --quiet"
    out = matey(*line.split(), cwd=project).stdout
    for word in ("parameters", "tokens a frame", "GFLOP", "samples a second", "peak", "optimizer"):
        assert word in out
    assert "tiny_periodic" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.slow
def test_profile_compares_in_80_columns(matey: Matey, project: Path) -> None:
    line = "profile --compare --seconds 0.1 --precision float32 --batch-size 1"
    done = matey(*line.split(), cwd=project)
    assert done.returncode == 0
    out = done.stdout
    assert out.count("adap_mul") == 3
    assert out.count(" none ") == 1
    assert "axial with adap_mix is impossible" in done.stderr
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rollout nothing", "nothing is no run and no model directory"),
        ("rollout --store nothing", "There is no store 'nothing'; there are tiny_periodic"),
        ("rollout --steps 0", "--steps"),
        ("rollout --start 100", "Take a smaller --start or --history."),
        ("rollout --data nowhere", "There is no store in nowhere: it does not exist."),
        ("profile --grid 64x64", "--grid takes whole numbers of at least 1 between commas"),
        ("profile --grid 8,8,8,8", "A grid of 8×8×8×8 points has 4 axes"),
        ("profile --store tiny_periodic --grid 8,8", "--grid cannot hold beside it"),
        ("profile --scheme vit", "--scheme takes axial, factorized or full, not 'vit'"),
    ],
)
def test_mistakes_end_with_code_2_and_one_message(
    matey: Matey, project: Path, line: str, message: str
) -> None:
    done = matey(*line.split(), cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())
