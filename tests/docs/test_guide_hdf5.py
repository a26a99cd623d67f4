"""The examples of the guides to PDEBench and The Well run as they are printed."""

import re
import shlex
from pathlib import Path

import pytest
import xarray
from typer.testing import CliRunner

from matey_cli.app import app
from tests.support import tiny_source
from tests.support_well import well_dataset

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


def run(page: str) -> dict[str, object]:
    """Run the page's commands, then its Python, in the working directory."""
    text = (GUIDES / page).read_text("utf-8")
    for line in re.findall(r"^    matey (.*)$", text, re.MULTILINE):
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == 0, done.output
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, object] = {"__name__": page}
    exec(compile(block, page, "exec"), names)
    return names


def test_pdebench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_source(Path("data/2D_rdb_NA_NA.h5"), fields=("height",))
    run("pdebench.md")
    assert capsys.readouterr().out == "('height',) ('x', 'y') (16, 16)\n0000 (10, 1, 16, 16)\n"
    with xarray.open_zarr("data/zarr/2D_rdb_NA_NA.zarr") as data:
        assert dict(data.sizes) == {"sample": 6, "time": 12, "x": 16, "y": 16}


def test_the_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    well_dataset(Path("data/turbulent_radiative_layer_2D"))
    names = run("the_well.md")
    assert "4 of 8 trajectories" in capsys.readouterr().out
    assert names["constants"] == pytest.approx({"viscosity": 0.01, "Ra": 1e4})
    with xarray.open_zarr("data/zarr/turbulent_radiative_layer_2D.zarr") as data:
        assert data["split"].values.tolist() == [0] * 4 + [1] * 2 + [2] * 2
        assert data["velocity_x"].dims == ("sample", "time", "x", "y")
        assert data["mask"].dims == ("sample", "x", "y")
