"""Files written past the page cache hold what was written."""

from pathlib import Path

import numpy as np
import pytest

from matey_core.conversion import direct

FOLDERS = ["a disk", "/dev/shm"]
SIZES = [[], [1], [4096], [5000, 1, 70_000], [direct.BUFFER, 3], [9_999_999]]


@pytest.mark.parametrize("place", FOLDERS)
@pytest.mark.parametrize("sizes", SIZES)
def test_what_is_written_is_there(tmp_path: Path, place: str, sizes: list[int]) -> None:
    path = tmp_path / "file"
    if place != "a disk":
        if not Path(place).is_dir():
            pytest.skip(f"{place}, a file system in memory, is not there")
        path = Path(place) / f"matey-{tmp_path.name}"
    content = np.random.default_rng(0).bytes(sum(sizes))
    try:
        file = direct.create(path)
        start = 0
        for size in sizes:
            view = memoryview(content)[start : start + size]
            while len(view):
                view = view[file.write(view) :]
            start += size
        file.close()
        assert path.read_bytes() == content
    finally:
        path.unlink(missing_ok=True)


def test_two_files_at_once_do_not_mix(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    files = [direct.create(path) for path in paths]
    for _ in range(3):
        for number, file in enumerate(files):
            file.write(memoryview(bytes([number]) * 10_000))
    for file in files:
        file.close()
    assert [path.read_bytes() for path in paths] == [b"\0" * 30_000, b"\1" * 30_000]
