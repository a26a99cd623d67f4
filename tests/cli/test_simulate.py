"""`matey simulate` as it is typed."""

import json
from pathlib import Path

import h5py
import pytest
import yaml

from matey_core.store import open_store
from tests.command import Matey


def test_json_is_one_document_about_the_file(matey: Matey, tmp_path: Path) -> None:
    done = matey("simulate", "diffusion-reaction", "--samples", "2", "--grid", "8", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["shape"] == [101, 2, 8, 8]
    assert report["left_out"] == []
    with h5py.File(tmp_path / report["path"]) as file:
        assert list(file) == ["0000", "0001"]


def test_the_table_says_where_it_is(matey: Matey) -> None:
    line = "simulate diffusion-reaction --samples 1 --grid 8 --out there"
    done = matey(*line.split())
    assert done.returncode == 0
    assert "there/2D/diffusion-reaction/2D_diff-react_NA_NA.h5" in done.stdout
    assert "101×2×8×8" in done.stdout
    assert done.stderr == "Next: matey prepare pdebench there\n"


def test_drawn_constants_and_a_shorter_trajectory(matey: Matey, tmp_path: Path) -> None:
    line = (
        "simulate diffusion-reaction --samples 2 --grid 8 --steps 4 --set k=0.004:0.006 "
        "--set diffusion_u=0.002 --dtype float64 --batch 1 --device cpu --json"
    )
    done = matey(*line.split())
    assert done.returncode == 0
    with h5py.File(tmp_path / json.loads(done.stdout)["path"]) as file:
        configs = [yaml.safe_load(file[group].attrs["config"])["sim"] for group in file]
        assert file["0000/data"].shape == (5, 8, 8, 2)
    assert [config["Du"] for config in configs] == [0.002, 0.002]
    assert all(0.004 <= config["k"] <= 0.006 for config in configs)
    assert configs[0]["k"] != configs[1]["k"]


def test_a_store_is_written_without_a_file(matey: Matey, tmp_path: Path) -> None:
    line = "simulate diffusion-reaction --samples 2 --grid 8 --steps 4 --store"
    done = matey(*line.split())
    assert done.returncode == 0
    assert "data/zarr/2D_diff-react_NA_NA.zarr" in done.stdout
    assert not list(tmp_path.rglob("*.h5"))
    assert open_store(tmp_path / "data/zarr/2D_diff-react_NA_NA.zarr").num_samples == 2


def test_settings_of_one_are_listed(matey: Matey) -> None:
    done = matey("simulate", "diffusion-reaction", "--list", "--json")
    assert done.returncode == 0
    assert "k" in [entry["name"] for entry in json.loads(done.stdout)["settings"]]


def test_list_names_what_can_be_typed(matey: Matey) -> None:
    done = matey("simulate", "--list", "--json")
    assert done.returncode == 0
    assert "diffusion-reaction" in [
        entry["name"] for entry in json.loads(done.stdout)["simulators"]
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("simulate", "No simulator is named"),
        ("simulate difusion-reaction", "Did you mean 'diffusion-reaction'?"),
        ("simulate vortcity --list", "SIMULATOR takes suite, advection-1d,"),
        ("simulate diffusion-reaction --samples 0", "--samples"),
        ("simulate diffusion-reaction --seed 9995", "four digits"),
        ("simulate diffusion-reaction --set kk=1", "did you mean 'k'"),
        ("simulate diffusion-reaction --set k", "not of the form key=value"),
        ("simulate diffusion-reaction --set k=0.2:0.1", "begins at 0.2, above its end 0.1"),
        ("simulate diffusion-reaction --scale tiny", "--scale is the size of the suite"),
        ("simulate shallow-water --compile", "steps of shallow-water cannot be compiled"),
        ("simulate shallow-water --set interval=-1", "interval: input should be greater than 0"),
        ("simulate suite --samples 3", "--samples has no effect on the suite"),
    ],
)
def test_mistakes_end_with_code_2_and_one_message(
    matey: Matey, tmp_path: Path, line: str, message: str
) -> None:
    done = matey(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
