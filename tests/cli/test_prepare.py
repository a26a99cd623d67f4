"""`matey prepare` as typed: tables, JSON, exit codes."""

import json
from pathlib import Path

import h5py
import pytest

from tests.command import Matey
from tests.support import tiny_source


def test_the_literal_command_prepares_data(tmp_path: Path, matey: Matey) -> None:
    tiny_source(tmp_path / "data" / "flow.h5")
    planned = matey("prepare", "pdebench", "./data", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "planned" in planned.stdout
    assert "147.5 kB" in planned.stdout
    assert not (tmp_path / "data" / "zarr").exists()
    done = matey("prepare", "pdebench", "./data")
    assert done.returncode == 0, done.stderr
    assert "density, velocity_x" in done.stdout
    assert "1 of 1 sources converted" in done.stdout
    assert (tmp_path / "data" / "zarr" / "flow.zarr" / "zarr.json").is_file()


def test_a_source_without_a_layout_is_recognized(tmp_path: Path, matey: Matey) -> None:
    tiny_source(tmp_path / "data" / "flow.h5")
    for source in (("./data",), ("data/flow.h5",), ()):
        done = matey("prepare", *source, "--dry-run", "--json")
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)["rows"]
        assert Path(row["store"]).name == "flow.zarr"


def test_json_is_one_document_and_nothing_else(tmp_path: Path, matey: Matey) -> None:
    tiny_source(tmp_path / "flow.h5")
    done = matey(
        *("prepare", "pdebench", ".", "--json", "--out", "stores", "--split", "2,1,1"),
        *("--limit", "4", "--seed", "3"),
    )
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = report["rows"]
    assert (row["status"], row["samples"], row["splits"]) == ("converted", 4, [2, 1, 1])
    assert row["store"] == "stores/flow.zarr"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pdebench", "."), ("other.h5", "weights", "0000/data")),
        (("pdebench", "empty"), ("no HDF5",)),
        (("pdebench", "nowhere"), ("does not exist",)),
        (("pdebenhc", "."), ("Did you mean 'pdebench'?",)),
        (("./nowhere",), ("nowhere does not exist",)),
        (("nowhere",), ("READER takes array, auto,", "there is none called nowhere")),
        (("./empty", "other.h5"), ("READER is ./empty", "SOURCE is other.h5")),
        (
            ("pdebench", ".", "--split", "0.5,0.5"),
            ("--split takes TRAIN,VALIDATION,TEST such as 0.8,0.1,0.1",),
        ),
        (("pdebench", ".", "--limit", "0"), ("--limit",)),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    tmp_path: Path,
    matey: Matey,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    (tmp_path / "empty").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["weights"] = [1.0]
    done = matey("prepare", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "other.h5"]
