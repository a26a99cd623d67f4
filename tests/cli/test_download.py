"""`matey download` as typed, against a local server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Matey, document
from tests.downloading import DATA, MD5, Server, serving, write_list


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def test_sizes_come_first_and_then_what_is_missing(
    matey: Matey, server: Server, tmp_path: Path
) -> None:
    write_list(tmp_path / "list.csv", server, one=MD5, two=MD5, other=MD5)
    shown = matey("download", "list.csv", "one", "two", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "2 files, 6.0 MB; 6.0 MB to come" in shown.stdout
    assert "without --dry-run" in shown.stderr
    assert server.starts == []
    (tmp_path / "data/sub").mkdir(parents=True)
    (tmp_path / "data/sub/two.h5.partial").write_bytes(DATA[:1_000_000])
    done = matey("download", "list.csv", "one", "two")
    assert done.returncode == 0, done.stderr
    assert "1.0 MB of it came before" in done.stdout
    assert "Fetched 2 files into data" in done.stdout
    assert "matey prepare data" in done.stderr
    assert server.starts == [0, 1_000_000]
    files = {path.name: path.read_bytes() for path in (tmp_path / "data").rglob("*.*")}
    assert files == {"one.h5": DATA, "two.h5": DATA}
    again = document(matey("download", "list.csv", "*", "--json", "--dry-run"))
    assert [each["is_there"] for each in again["downloads"]] == [True, True, False]


def test_a_file_of_unknown_size_is_fetched(matey: Matey, server: Server, tmp_path: Path) -> None:
    server.has_range = server.has_length = False
    write_list(tmp_path / "list.csv", server, one=MD5)
    done = matey("download", "list.csv", "one")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data/sub/one.h5").read_bytes() == DATA


def test_a_file_of_another_making_is_not_taken_for_the_published_one(
    matey: Matey, server: Server, tmp_path: Path
) -> None:
    write_list(tmp_path / "list.csv", server, one=MD5)
    (tmp_path / "data/sub").mkdir(parents=True)
    (tmp_path / "data/sub/one.h5").write_bytes(b"simulated")
    done = matey("download", "list.csv", "one")
    assert done.returncode == 2
    assert "has 9 bytes, and 3,000,000 were published" in done.stderr


def test_groups_and_files_are_listed_without_a_connection(matey: Matey) -> None:
    assert "ns_incom" in matey("download", "pdebench", "--list").stdout
    listed = document(matey("download", "pdebench", "darcy", "--list", "--json"))
    assert len(listed["files"]) == 5
    assert listed["files"][0]["path"] == "2D/DarcyFlow/2D_DarcyFlow_beta0.01_Train.hdf5"
