"""One file by HTTP: its size, and its bytes from where an earlier attempt ended."""

import hashlib
import http.client
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from matey_core.downloads.lists import RemoteFile
from matey_core.durable import make_folder, sync
from matey_core.errors import ConfigError, DataError, RunError
from matey_core.files import opener
from matey_core.progress import OnProgress, Progress, silent

CHUNK = 1 << 20
ATTEMPTS = 5
"""Connections in a row that may bring no new byte before the command fails."""
PAUSE = 1.0
"""Seconds before the second attempt; before later ones they are two, three and four times that."""
TIMEOUT = 60.0
"""Seconds without an answer after which a connection counts as lost."""
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
LOST = (
    http.client.HTTPException,
    urllib.error.URLError,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)


def check_url(url: str) -> None:
    """Refuse a URL that is neither https nor http to this machine.

    Raises:
        ConfigError: it is something else.
    """
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in THIS_MACHINE
    if not (parts.hostname and (parts.scheme == "https" or is_local)):
        raise ConfigError(
            f"{url} is not fetched: only https is, and http from this machine.",
            remedy="Give the list an https address, or fetch the file with another program.",
        )


def remote_size(file: RemoteFile) -> int | None:
    """Ask for the number of bytes of a file; None where the server does not say.

    Raises:
        ConfigError: the URL, or one it redirects to, is not https.
        RunError: the server refuses, or cannot be reached.
    """
    # Storage that is redirected to may know only GET, so a part is asked for, and HEAD is not.
    return _persistent(file, lambda: _asked_size(file))


def fetch(file: RemoteFile, folder: Path, *, on_progress: OnProgress = silent) -> Path:
    """Write a file below a folder, and return its path.

    Bytes go to PATH.partial, which gets its final name once its MD5 is right.

    Raises:
        ConfigError: the URL, or one it redirects to, is not https.
        DataError: the MD5 is not the published one; the partial file stays.
        RunError: the server refuses, or the connection stays lost.
    """
    target = folder / file.path
    partial = partial_of(target)
    make_folder(target.parent)
    _persistent(
        file,
        lambda: _receive(file, partial, on_progress),
        so_far=lambda: size_of(partial),
    )
    if (found := md5_of(partial)) != file.md5:
        raise DataError(
            f"{partial} has the MD5 {found}; {file.md5} was published.",
            remedy=f"Delete {partial}, and run the same command again.",
        )
    os.replace(partial, target)
    sync(target.parent)
    return target


def partial_of(target: Path) -> Path:
    """Where the bytes of a file wait for its last."""
    return target.with_name(f"{target.name}.partial")


def md5_of(path: Path) -> str:
    """Compute the MD5 of a file, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def _persistent(
    file: RemoteFile, attempt: Callable[[], Any], so_far: Callable[[], int] = lambda: 0
) -> Any:
    """Try again after lost connections, until several in a row brought no byte."""
    failures = 0
    while True:
        before = so_far()
        try:
            return attempt()
        except urllib.error.HTTPError as error:
            raise RunError(
                f"{file.url}: the server answered {error.code} {error.reason}.",
                remedy="Run the same command again later; bytes that came are kept.",
            ) from error
        except LOST as error:
            reason = getattr(error, "reason", error)
            # A name that nobody knows before the first byte means: no network, or a wrong name.
            is_hopeless = isinstance(reason, socket.gaierror) and not before
            said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        failures = 0 if so_far() > before else failures + 1
        if is_hopeless or failures == ATTEMPTS:
            raise RunError(
                f"{file.url}: no byte came in {failures} attempt{'s' * (failures > 1)} ({said}).",
                remedy="Check the connection, and run the same command again: it goes on.",
            )
        time.sleep(PAUSE * failures)


def _open(file: RemoteFile, first: int, last: int | None = None) -> Any:
    """Ask for bytes from `first` on."""
    check_url(file.url)
    part = f"bytes={first}-{'' if last is None else last}"
    headers = {"Accept-Encoding": "identity"} | ({"Range": part} if first or last == 0 else {})
    asked = urllib.request.Request(file.url, headers=headers)
    return urllib.request.build_opener(_Redirects()).open(asked, timeout=TIMEOUT)


def _asked_size(file: RemoteFile) -> int | None:
    with _open(file, 0, 0) as answer:
        return _extent(answer, 0)[1]


def _receive(file: RemoteFile, partial: Path, on_progress: OnProgress) -> None:
    """Append what one connection brings.

    Raises:
        HTTPException: it ended early.
    """
    start = size_of(partial)
    try:
        answer = _open(file, start)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:  # nothing lies beyond the last byte that we have
            return
        raise
    with answer:
        start, total = _extent(answer, start)
        with open(partial, "r+b" if partial.exists() else "wb", opener=opener) as out:
            out.truncate(start)
            out.seek(start)
            while chunk := answer.read1(CHUNK):
                out.write(chunk)
                start += len(chunk)
                on_progress(Progress(task=file.name, done=start, total=total, unit="B"))
            out.flush()
            os.fsync(out.fileno())
    if total is not None and start < total:
        raise http.client.HTTPException("the connection ended early")


def _extent(answer: Any, start: int) -> tuple[int, int | None]:
    """Read where an answer begins in the file, and the file's size in bytes where it is known."""
    if answer.status == 206:
        found = re.fullmatch(
            r"bytes (\d{1,18})-\d+/(\d{1,18}|\*)", answer.headers.get("Content-Range", "")
        )
        if found is None or int(found[1]) != start:
            raise http.client.HTTPException("the server sent another part than asked for")
        return start, None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length", "")  # without Range it starts over
    return 0, int(length) if re.fullmatch(r"\d{1,18}", length) else None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections that stay with https.

    The host may be any: archives keep files in storage of others, and the MD5 judges the bytes.
    """

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """Check an address before it is asked."""
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise ConfigError(
                f"{req.full_url} redirects to {newurl}, which is not https.",
                remedy="Fetch the file with a browser, and compare its MD5.",
            )
        check_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
