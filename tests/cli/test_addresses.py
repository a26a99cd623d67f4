"""A run that was given to somebody decides nothing of where their machine connects."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import Matey
from tests.training import TOML


@contextmanager
def a_port() -> Iterator[tuple[int, list[bytes]]]:
    """Listen, and note what everybody says who connects."""
    asked: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                asked.append(client.recv(100))
                client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1], asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


COMMANDS = [
    ("rollout", "pretrain-001"),
    ("pretrain", "--resume"),
    ("finetune", "--resume", "--name", "pretrain-001"),
    ("finetune", "pretrain-001", "--steps", "1"),
    ("tokenize-inspect", "--run", "pretrain-001"),
    ("profile", "pretrain-001"),
]


@pytest.fixture(scope="module")
def stopped(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step that says that it has two."""
    from matey_core.workflows.pretrain import pretrain
    from tests.training import pretrain_config

    folder = tmp_path_factory.mktemp("stopped")
    (folder / "data").symlink_to(project / "data")
    (folder / "settings.toml").write_text(TOML)
    pretrain(pretrain_config(folder, steps=1, validate_every=1))
    file = folder / "runs/pretrain-001/config.toml"
    file.write_text(file.read_text().replace("steps = 1\n", "steps = 2\n"))
    return folder


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/a.zarr", "s3://bucket/zarr/a.zarr"])
def test_no_command_connects_where_a_run_says(stopped: Path, matey: Matey, url: str) -> None:
    pytest.importorskip("s3fs")
    run = stopped / "runs/pretrain-001"
    kept = {name: (run / name).read_text() for name in ("data.json", "config.toml")}
    with a_port() as (port, asked), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "mine")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        place = url.format(port)
        stores = json.loads(kept["data.json"])
        for row in stores["stores"]:
            row["path"] = place
        (run / "data.json").write_text(json.dumps(stores))
        lines = kept["config.toml"].splitlines()
        lines = [f'data = "{place}"' if line.startswith("data =") else line for line in lines]
        (run / "config.toml").write_text("\n".join(lines))
        try:
            for command in COMMANDS:
                done = matey(*command, cwd=stopped)
                assert asked == [], command
                assert "fault of matey" not in done.stderr, command
            for command in COMMANDS[:2]:
                done = matey(*command, cwd=stopped)
                assert done.returncode == 2
                assert "--data" in done.stderr
        finally:
            for name, text in kept.items():
                (run / name).write_text(text)


def test_a_server_that_does_not_answer_is_an_error_of_the_data(
    stopped: Path, matey: Matey, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("s3fs")
    with a_port() as (port, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        for command in (
            ("data", "inspect", "s3://bucket/zarr/a.zarr"),
            ("data", "inspect", "s3://bucket/zarr"),
            ("data", "check", "s3://bucket/zarr"),
            ("pretrain", "--data", "s3://bucket/zarr", "--steps", "1"),
            ("rollout", "--data", "s3://bucket/zarr"),
            ("tokenize-inspect", "s3://bucket/zarr"),
            ("prepare", "array", "settings.toml", "--out", "s3://bucket/zarr"),
        ):
            done = matey(*command, cwd=stopped)
            assert done.returncode == 2, command
            assert "fault of matey" not in done.stderr, command
        assert asked
