"""Small files of a run that hold odd bytes, or are no files: every command ends in sentences."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from matey_core.workflows.pretrain import pretrain
from tests.fuzz.case import SECRET, command, contents
from tests.support import tiny_store
from tests.training import pretrain_config

FILES = ("checkpoints/last", "checkpoints/best", "journal.jsonl", "versions.json", "data.json")


def row(value: str) -> bytes:
    """A line of a journal."""
    return b'{"event": "step", "step": 1, "loss": %s}\n' % value.encode()


BYTES = {
    "nothing": b"",
    "null": b"\0" * 5000,
    "no UTF-8": b"\xff\xfe\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a mark": b"\xef\xbb\xbfstep-00000002\n",
    "UTF-16": "step-00000002\n".encode("utf-16"),
    "a null at the end": b"step-00000002\0\n",
    "a path": b"../../../../outside",
    "an absolute path": b"/etc/passwd",
    "another step": b"step-99999999",
    "other digits": "step-٠٠٠٠٠٠٠٢".encode(),
    "escapes": b"\x1b[2Jerror: x",
    "digits": b"9" * 100_000,
    "many bytes": b"a" * 10_000_000,
    "lines": b"\n" * 100_000,
    "too deep": b"[" * 100_000,
    "a list": b"[]\n[]\n",
    "no object": b"null\n",
    "a long number": row("9" * 4000),
    "a longer number": row("9" * 5000),
    "no number": row("NaN") + row("-Infinity") + row("1e400"),
    "text": row('"x"') + row('"\\ud800"'),
    "types": row("[]") + b'{"event": "validation", "step": 1, "scores": [{}], "score": {}}\n',
    "a negative step": b'{"event": "step", "step": -5, "loss": 1.0}\n',
}
PLACES = ("a folder", "a pipe", "a socket", "a device", "a link out", "a link to itself", "gone")
LINES = (
    ("info", "one"),
    ("runs",),
    ("compare", "one", "one"),
    ("report", "one"),
    ("rollout", "one", "--steps", "2", "--windows", "2", "--no-plot"),
    ("pretrain", "--resume", "--steps", "3", "--name", "one"),
    ("finetune", "one", "--steps", "1", "--batch-size", "2"),
)
FEW = ("a pipe", "no UTF-8", "types")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run of one step."""
    folder = tmp_path_factory.mktemp("sound")
    tiny_store(folder / "data", shape=(16,), samples=4, frames=8)
    pretrain(pretrain_config(folder, steps=1, name="one"))
    return folder


def replace(path: Path, kind: str, outside: Path) -> None:
    """Put something else in the place of a file."""
    if kind in BYTES:
        path.write_bytes(BYTES[kind])
        return
    path.unlink()
    match kind:
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a socket":
            os.chdir(path.parent)  # paths of sockets are short
            with socket.socket(socket.AF_UNIX) as end:
                end.bind(path.name)
        case "a device":
            path.symlink_to("/dev/zero")
        case "a link out":
            path.symlink_to(outside / "secret")
        case "a link to itself":
            path.symlink_to(path.name)


def check(sound: Path, folder: Path, file: str, kind: str, line: tuple[str, ...]) -> None:
    """Do it to a copy, and look at all that is said and left."""
    shutil.copytree(sound, folder / "project")
    (folder / "outside").mkdir()
    (folder / "outside/secret").write_text(SECRET)
    replace(folder / "project/runs/one" / file, kind, folder / "outside")
    os.chdir(folder / "project")
    code, said = command(line)
    assert code in (0, 1, 2), said
    assert not any(word in said for word in ("fault of matey", "Traceback", SECRET, "\x1b")), said
    assert len(said) < 6000
    assert contents(folder / "outside") == {"secret": SECRET.encode()}
    assert not list((folder / "project").rglob("*.partial*"))


def test_a_few(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, file in enumerate(FILES):
        check(sound, tmp_path / str(number), file, FEW[number % 3], LINES[number % 2])


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
@pytest.mark.parametrize("file", FILES)
def test_all(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, line: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, kind in enumerate((*BYTES, *PLACES)):
        check(sound, tmp_path / str(number), file, kind, line)
