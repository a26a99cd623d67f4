"""Small PNG files, inside a page."""

import base64
import struct
import zlib

import numpy as np
from jaxtyping import UInt8

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(pixels: UInt8[np.ndarray, "rows columns 3"]) -> bytes:
    """Write pixels as a PNG file.

    Args:
        pixels: (rows, columns, 3) colors, the first row on top.
    """
    rows, columns, _ = pixels.shape
    # Each row begins with the number of its filter, 0 for none.
    lines = np.zeros((rows, 1 + 3 * columns), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def data_url(content: bytes, *, kind: str = "image/png") -> str:
    """Write a file as a URL that holds all of it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
