"""Downloads go on after cuts and SIGKILL, and wrong bytes never get a final name."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matey_core.downloads import transfer
from matey_core.downloads.lists import RemoteFile
from matey_core.downloads.transfer import check_url, fetch, remote_size
from matey_core.errors import ConfigError, DataError, RunError
from tests.downloading import DATA, MD5, Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def file_of(server: Server, *, md5: str = MD5, path: str = "file") -> RemoteFile:
    return RemoteFile(group="g", path="a.h5", url=server.url(path), md5=md5)


def test_random_cuts_give_the_same_bytes(server: Server, tmp_path: Path) -> None:
    server.cuts = 6
    assert fetch(file_of(server), tmp_path).read_bytes() == DATA
    assert len(server.starts) == 7
    assert server.starts == sorted(server.starts)
    assert server.starts[-1] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_a_server_without_range_starts_over(server: Server, tmp_path: Path) -> None:
    server.has_range = False
    (tmp_path / "a.h5.partial").write_bytes(b"x" * 4_000_000)
    assert fetch(file_of(server), tmp_path).read_bytes() == DATA


def test_a_whole_partial_file_needs_no_byte(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.h5.partial").write_bytes(DATA)
    assert fetch(file_of(server), tmp_path).read_bytes() == DATA
    assert server.starts == [len(DATA)]


def test_a_wrong_checksum_keeps_the_bytes_and_says_what_to_do(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"{MD5}; {'0' * 32} was published") as caught:
        fetch(file_of(server, md5="0" * 32), tmp_path)
    assert caught.value.remedy.startswith("Delete ")
    assert (tmp_path / "a.h5.partial").read_bytes() == DATA
    assert not (tmp_path / "a.h5").exists()


def test_a_link_in_the_place_of_the_bytes_is_not_written_through(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"")
    (tmp_path / "a.h5.partial").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        fetch(file_of(server), tmp_path)
    assert (tmp_path / "other").read_bytes() == b""


@pytest.mark.parametrize("has_range", [True, False])
def test_the_size_is_asked_for_without_the_bytes(server: Server, has_range: bool) -> None:
    server.has_range = has_range
    assert remote_size(file_of(server)) == len(DATA)


def test_a_redirection_away_from_https_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"elsewhere\.invalid"):
        fetch(file_of(server, path="away"), tmp_path)


def test_a_server_that_refuses_or_is_away_is_named(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match="the server answered 404 Not Found"):
        fetch(file_of(server, path="gone"), tmp_path)
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    closed = RemoteFile(group="g", path="a.h5", url="http://127.0.0.1:9/x", md5=MD5)
    with pytest.raises(RunError, match=r"no byte came in 5 attempts \(Connection refused\)"):
        fetch(closed, tmp_path)


@pytest.mark.parametrize(
    "url", ["http://data.org/a", "http://127.0.0.1.evil.net/a", "file:///a", "ftp://data.org/a"]
)
def test_only_https_and_this_machine(url: str) -> None:
    with pytest.raises(ConfigError, match="only https is"):
        check_url(url)
    check_url("https://data.org/a")


SCRIPT = """
import sys
from pathlib import Path
from matey_core.downloads.lists import RemoteFile
from matey_core.downloads.transfer import fetch
url, md5, folder = sys.argv[1:]
fetch(RemoteFile(group="g", path="a.h5", url=url, md5=md5), Path(folder))
"""


def test_a_killed_process_goes_on(server: Server, tmp_path: Path) -> None:
    server.held_from = 2_000_000
    command = [sys.executable, "-c", SCRIPT, server.url(), MD5, str(tmp_path)]
    partial = tmp_path / "a.h5.partial"
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size > 200_000):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "a.h5").exists()
    server.go_on.set()
    fetch(file_of(server), tmp_path)
    assert (tmp_path / "a.h5").read_bytes() == DATA
    assert server.starts[0] == 0
    assert server.starts[1] >= 200_000
