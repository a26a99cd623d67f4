"""A local server of files that cuts connections, knows no ranges, or sends elsewhere."""

import hashlib
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DATA = random.Random(1).randbytes(3_000_000)
MD5 = hashlib.md5(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Has the same bytes under every path, but `/away` sends elsewhere and `/gone` is missing."""

    daemon_threads = True
    has_range = True
    has_length = True
    cuts = 0
    held_from = len(DATA)
    """Byte before which it waits until `go_on` is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.starts: list[int] = []
        self.go_on = threading.Event()
        self.random = random.Random(2)

    def url(self, path: str = "file") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.send_error(404, "Not Found")
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://elsewhere.invalid/file")
            self.end_headers()
        else:
            self._send(*self._asked())

    def _asked(self) -> tuple[int, int]:
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found is None or not self.server.has_range:
            return 0, len(DATA)
        return int(found[1]), int(found[2]) + 1 if found[2] else len(DATA)

    def _send(self, start: int, end: int) -> None:
        is_part = (start, end) != (0, len(DATA))
        is_size = end == 1
        if not is_size:
            self.server.starts.append(start)
        if start >= len(DATA):
            self.send_error(416)
            return
        self.send_response(206 if is_part else 200)
        if is_part:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(DATA)}")
        if self.server.has_length:
            self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.server.cuts and not is_size:
            self.server.cuts -= 1
            end = self.server.random.randint(start + 1, len(DATA) - 1)
        for at in range(start, end, 50_000):
            if at >= self.server.held_from:
                self.server.go_on.wait(60)
            self.wfile.write(DATA[at : min(at + 50_000, end)])


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def write_list(path: Path, server: Server, **md5s: str) -> Path:
    """A list of files of a server, with the group of each file's name."""
    lines = [f"{name},sub/{name}.h5,{server.url(name)},{md5}" for name, md5 in md5s.items()]
    path.write_text("\n".join(["group,path,url,md5", *lines]) + "\n")
    return path
