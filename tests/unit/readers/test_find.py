"""The walk through a tree of folders is sorted, ends, and leaves out what is no source."""

import json
import os
from pathlib import Path

import pytest

from matey_core.errors import DataError, MateyWarning
from matey_core.readers._find import walk
from tests.support import tiny_store


def below(folder: Path, paths: list[Path]) -> list[str]:
    return [str(path.relative_to(folder)) for path in paths]


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_files_and_folders_come_sorted_a_folder_before_its_content(tmp_path: Path) -> None:
    for name in ("b/2", "b/10", "a", "c/übung/数据.h5", "b.h5"):
        touch(tmp_path / name)
    found = below(tmp_path, list(walk(tmp_path)))
    expected = [".", "a", "b", "b/10", "b/2", "b.h5", "c", "c/übung", "c/übung/数据.h5"]
    assert found == expected


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside" / "x").parent
    inside = touch(tmp_path / "inside" / "y").parent
    (inside / "z").symlink_to(outside)
    (inside / "up").symlink_to(inside)
    (inside / "self").symlink_to(inside / "self")
    (inside / "gone").symlink_to(tmp_path / "gone")
    (outside / "back").symlink_to(inside)
    assert below(inside, list(walk(inside))) == [".", "y", "z", "z/x"]


def test_forecasts_are_left_out_and_said_unless_one_is_named(tmp_path: Path) -> None:
    forecast, other = tmp_path / "runs/one/rollout/a.zarr", tmp_path / "b.zarr"
    for path, made in ((forecast, {"model": "m", "store": "s"}), (other, {"program": "p"})):
        text = json.dumps({"attributes": {"provenance": made}, "zarr_format": 3})
        touch(path / "zarr.json").write_text(text)
    with pytest.warns(MateyWarning, match=r"forecasts of a model: .*rollout/a\.zarr\. One"):
        found = below(tmp_path, list(walk(tmp_path)))
    assert found == [".", "b.zarr", "runs", "runs/one", "runs/one/rollout"]
    assert list(walk(forecast)) == [forecast]


def test_pipes_half_written_and_excluded_things_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "out" / "x")
    touch(tmp_path / "a.zarr.partial" / "x")
    touch(tmp_path / "b.h5.partial")
    os.mkfifo(tmp_path / "pipe")
    assert list(walk(tmp_path, exclude=[tmp_path / "out"])) == [tmp_path]


def test_zarr_is_one_thing_and_stores_of_ours_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "foreign.zarr" / "zarr.json")
    touch(tmp_path / "named otherwise" / ".zgroup")
    touch(tmp_path / "named otherwise" / "u" / ".zarray")
    tiny_store(tmp_path)
    nested = touch(tmp_path / "odd" / "zarr.json")
    nested.write_text("[" * 100_000)
    listed = touch(tmp_path / "list" / "zarr.json")
    listed.write_text(json.dumps([1]))
    assert below(tmp_path, list(walk(tmp_path))) == [
        ".",
        "foreign.zarr",
        "list",
        "named otherwise",
        "odd",
        "tiny_periodic.hdf5",
        "zarr",
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "zero"])
def test_a_pipe_or_a_device_in_the_place_of_metadata_is_not_read(tmp_path: Path, kind: str) -> None:
    place = touch(tmp_path / "a" / "zarr.json")
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    assert tmp_path / "a" in list(walk(tmp_path))


def test_a_file_is_found_by_itself_and_nothing_is_an_error(tmp_path: Path) -> None:
    assert list(walk(touch(tmp_path / "x"))) == [tmp_path / "x"]
    with pytest.raises(DataError, match="nowhere does not exist"):
        list(walk(tmp_path / "nowhere"))
