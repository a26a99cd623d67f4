"""The refinement map, typed as a user does."""

import json
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.command import Matey


def test_map_of_the_first_store_fits_80_columns(process: Matey, project: Path) -> None:
    result = process("tokenize-inspect", "--patch", "8,4", "--ratio", "0.25", cwd=project)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in result.stdout
    assert any(line.split() == ["0", "8×8", "12", "75.0", "%"] for line in lines)
    assert any(line.split() == ["1", "4×4", "16", "25.0", "%"] for line in lines)
    levels = [line[38:70] for line in lines[2:18]]
    assert "".join(levels).count("1") == 16 * 32 // 4


def test_document_counts_the_cells_and_pairs(matey: Matey, project: Path) -> None:
    arguments = ("--patch", "8,4", "--ratio", "0.25", "--history", "2", "--json")
    result = matey("tokenize-inspect", "flat_periodic", *arguments, cwd=project)
    found = json.loads(result.stdout)
    assert result.stderr == ""
    assert (found["tokens"], found["coarse_tokens"], found["fine_tokens"]) == (28, 16, 64)
    costs = {cost["scheme"]: cost for cost in found["attention"]}
    assert costs["full"]["pairs"] == (2 * 28) ** 2
    assert costs["factorized"]["pairs"] == 2 * 28**2 + 28 * 2**2
    assert costs["axial"]["pairs"] is None
    assert costs["axial"]["fine_pairs"] == 64 * 2**2 + 2 * 64 * (8 + 8)
    assert "picture" not in found


def test_two_passes_keep_the_coarse_sequence(matey: Matey, project: Path) -> None:
    arguments = ("--tokenizer", "adap_mul", "--patch", "8,4", "--ratio", "0.25", "--json")
    result = matey("tokenize-inspect", *arguments, "--history", "1", cwd=project)
    found = json.loads(result.stdout)
    assert found["tokens"] == 16 + 4 * 4
    costs = {cost["scheme"]: cost["pairs"] for cost in found["attention"]}
    assert costs["full"] == 16**2 + 4 * 4**2
    assert costs["axial"] == (16 + 16 * 8) + (16 + 16 * 4)


def test_source_file_and_its_store_give_the_same_cells(matey: Matey, project: Path) -> None:
    arguments = ("--sample", "1", "--patch", "8,4", "--tokens", "40", "--json")
    stored = json.loads(matey("tokenize-inspect", "flat_periodic", *arguments, cwd=project).stdout)
    raw = json.loads(
        matey("tokenize-inspect", "data/flat_periodic.hdf5", *arguments, cwd=project).stdout
    )
    assert stored["tokens"] == 40
    assert raw.pop("source") != stored.pop("source")
    assert raw == stored


def test_a_line_shows_its_cells_below(matey: Matey, project: Path) -> None:
    result = matey(
        "tokenize-inspect", "line_periodic", "--patch", "8,4", "--ratio", "0.5", cwd=project
    )
    rail = next(line for line in result.stdout.splitlines() if line.startswith("  |"))
    assert len(rail.strip()) == 64
    assert rail.count("|") == 4 + 8


def test_ascii_terminals_get_ascii(process: Matey, project: Path) -> None:
    result = process("tokenize-inspect", "line_periodic", cwd=project, PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()


def test_survey_covers_the_test_samples(matey: Matey, project: Path) -> None:
    result = matey("tokenize-inspect", "--all", "--json", "--history", "3", cwd=project)
    rows = json.loads(result.stdout)["survey"]
    assert len(rows) == 2
    for row in rows:
        assert 4 <= row["min_tokens"] <= row["mean_tokens"] <= row["max_tokens"] <= 16
        assert row["num_times"] == 10


def test_png_has_axes_and_a_color_bar(matey: Matey, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "map.png"
    result = matey("tokenize-inspect", "--patch", "8", "--save", file, "--quiet", cwd=project)
    assert result.returncode == 0, result.stderr
    pixels = plt.imread(file)
    assert pixels.shape[1] == 1140
    # Viridis from end to end, though no point of the field need have its darkest color.
    for color in ((0.267, 0.005, 0.329), (0.993, 0.906, 0.144)):
        assert (np.abs(pixels[..., :3] - color) < 0.02).all(-1).any()
    assert list(tmp_path.iterdir()) == [file]


def test_svg_has_an_outline_for_every_cell(matey: Matey, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "map.svg"
    matey("tokenize-inspect", "--patch", "8,4", "--ratio", "0.25", "--save", file, cwd=project)
    root = ElementTree.parse(file).getroot()
    svg = "{http://www.w3.org/2000/svg}"
    (group,) = root.iterfind(f".//{svg}g[@id='cells-white']")
    assert len(list(group.iter(f"{svg}path"))) == 28
    text = file.read_text()
    for words in ("flat_periodic.zarr", "density", "adap_mix 8→4", "28 tokens"):
        assert words in text


def test_pictures_need_matplotlib(
    matey: Matey, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matey_cli.pictures.find_spec", lambda name: None)
    done = matey("tokenize-inspect", "--save", "map.png", cwd=project)
    assert done.returncode == 2
    assert "pip install 'matey-fm[plots]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--save", "map.jpg"], "pictures are .png or .svg"),
        (["--save", "."], "--save . is a folder"),
        (["--save", "no/map.png"], "there is no folder no"),
        (["--patch", "64,32"], "does not fit a grid of 32×32 points"),
        (["--patch", "8,3"], "each a multiple of the next"),
        (["--patch", "big"], "--patch takes whole numbers of at least 1"),
        (["--patch", "8,0"], "--patch takes whole numbers of at least 1"),
        (["--gamma", "-1"], "--gamma takes a number of at least 0"),
        (["--field", "vorticity"], "it has density, velocity_x"),
        (["--sample", "99"], "Choose one from 0 to 5"),
        (["--time", "0"], "Choose one from"),
        (["--criterion", "varianse"], "Did you mean 'variance'?"),
        (["--gamma", "0.1", "--tokens", "20"], "give one of gamma, ratio and tokens"),
        (["--run", "nothing"], "nothing is no run"),
    ],
)
def test_impossible_wishes_are_told(
    matey: Matey, project: Path, arguments: list[str], words: str
) -> None:
    result = matey("tokenize-inspect", *arguments, cwd=project)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
