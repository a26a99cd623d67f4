"""Whether a checkpoint is what was written: checksums of its files."""

import json
import zlib
from pathlib import Path

from safetensors import SafetensorError, safe_open

from matey_core.errors import CheckpointError
from matey_core.files import read_json

CHECKSUMS = "checksums.json"
PIECE = 2**22
"""Bytes read at once."""
EXPECTED = ("state.json", "state.safetensors", "model/model.json")
"""Files of every checkpoint, whatever wrote it."""


def write_checksums(folder: Path) -> None:
    """Write the CRC-32 of every file of a checkpoint beside them."""
    text = json.dumps(_checksums(folder), indent=1)
    (folder / CHECKSUMS).write_text(text, encoding="utf-8")


def check_intact(folder: Path) -> None:
    """Compare a checkpoint with its checksums; earlier versions wrote none, and are only opened.

    Raises:
        CheckpointError: a file is missing, damaged or not of this checkpoint.
    """
    try:
        missing = [name for name in EXPECTED if not (folder / name).is_file()]
        if missing:
            raise CheckpointError(f"{folder} is damaged: {missing[0]} is missing.")
        if (folder / CHECKSUMS).exists():
            _compare(folder)
        else:
            _open_all(folder)
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"{folder} is damaged: {error}.") from error


def _compare(folder: Path) -> None:
    try:
        expected = read_json(folder / CHECKSUMS)
    except ValueError as error:
        raise CheckpointError(f"{folder / CHECKSUMS} is damaged: {error}.") from error
    if not isinstance(expected, dict):
        raise CheckpointError(f"{folder / CHECKSUMS} is damaged: it holds no JSON object.")
    found = _checksums(folder)
    for name in sorted(expected):  # a file system or a person may have put others there
        if name not in found:
            raise CheckpointError(f"{folder} is damaged: {name} is missing.")
        if found[name] != expected[name]:
            raise CheckpointError(
                f"{folder} is damaged: {name} has the checksum {found[name]}, expected "
                f"{expected[name]}."
            )


def _checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return {path.relative_to(folder).as_posix(): f"{_crc(path):08x}" for path in files}


def _crc(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            value = zlib.crc32(piece, value)
    return value


def _open_all(folder: Path) -> None:
    read_json(folder / "state.json")
    read_json(folder / "model" / "model.json")
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="numpy"):  # its size follows from its header
            pass
