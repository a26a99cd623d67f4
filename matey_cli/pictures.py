"""Cells over a field as a file: PNG, or SVG with the cells as lines."""

import base64
import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from matey_cli.colors import borders, colored, normalized, with_lines
from matey_core.errors import ConfigError
from matey_core.files import remove

if TYPE_CHECKING:
    from matey_core.workflows.tokenize_inspect import Picture

PIXELS = 768
"""Length of a picture's longer side, about."""
STRIP = 12
"""A line of points is drawn this many times longer than high."""


def check_name(path: Path) -> None:
    """Say before the work whether a picture can be written under this name.

    Raises:
        ConfigError: the suffix is neither .png nor .svg, or the folder does not exist.
    """
    if path.suffix.lower() not in (".png", ".svg"):
        raise ConfigError(
            f"--save {path} ends in {path.suffix or 'nothing'}; pictures are .png or .svg.",
            remedy=f"Write it as --save {path.with_suffix('.png')}.",
        )
    if not path.parent.is_dir():
        raise ConfigError(f"--save {path}: there is no folder {path.parent}.")


def save(picture: "Picture", path: Path, *, title: str) -> None:
    """Write a picture; it has its name only when complete.

    Args:
        picture: a field and its cells.
        path: ends in .png or .svg.
        title: for readers of an SVG.

    Raises:
        ConfigError: a suffix that is neither.
    """
    check_name(path)
    values, cells = _plane(picture.values), _plane(picture.cells)
    is_png = path.suffix.lower() == ".png"
    content = png(_raster(values, cells)) if is_png else _svg(values, cells, title).encode()
    partial = path.with_name(path.name + ".partial")
    try:
        remove(partial)
        partial.write_bytes(content)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def png(colors: np.ndarray) -> bytes:
    """Encode (rows, columns, 3) uint8 colors as PNG."""
    rows, columns, _ = colors.shape
    lines = np.zeros((rows, 1 + 3 * columns), dtype=np.uint8)  # filter 0 begins each line
    lines[:, 1:] = colors.reshape(rows, -1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _plane(values: np.ndarray) -> np.ndarray:
    """A line becomes a strip."""
    if values.ndim == 2:
        return values
    return np.repeat(values[None], max(1, len(values) // STRIP), axis=0)


def _raster(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Colors of all pixels, several for each point, with a line around each cell."""
    zoom = max(1, PIXELS // max(values.shape))
    colors = colored(normalized(values))
    large = [axis.repeat(zoom, 0).repeat(zoom, 1) for axis in (colors, cells)]
    lines = borders(large[1])
    lines[0], lines[:, 0], lines[-1], lines[:, -1] = True, True, True, True
    return with_lines(large[0], lines, strength=0.7)


def _svg(values: np.ndarray, cells: np.ndarray, title: str) -> str:
    """The field as an embedded PNG, one pixel a point, under cells as rectangles."""
    rows, columns = values.shape
    zoom = PIXELS / max(rows, columns)
    image = base64.b64encode(png(colored(normalized(values)))).decode()
    path = "".join(
        f"M{left} {top}h{width}v{height}h{-width}z" for left, top, width, height in _boxes(cells)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns} {rows}" '
        f'width="{columns * zoom:.0f}" height="{rows * zoom:.0f}">\n'
        f"<title>{escape(title)}</title>\n"
        f'<image width="{columns}" height="{rows}" style="image-rendering:pixelated" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{image}"/>\n'
        f'<path d="{path}" fill="none" stroke="#fff" stroke-opacity="0.75" '
        f'stroke-width="1" vector-effect="non-scaling-stroke"/>\n</svg>\n'
    )


def _boxes(cells: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of every cell."""
    rows, columns = np.indices(cells.shape)
    _, inverse = np.unique(cells, return_inverse=True)
    inverse = inverse.reshape(-1)
    edges = []
    for place in (columns.reshape(-1), rows.reshape(-1)):
        low = np.full(inverse.max() + 1, place.max())
        high = np.zeros_like(low)
        np.minimum.at(low, inverse, place)
        np.maximum.at(high, inverse, place)
        edges.append((low, high + 1 - low))
    (left, width), (top, height) = edges
    boxes = np.stack([left, top, width, height], axis=1).tolist()
    return [(box[0], box[1], box[2], box[3]) for box in boxes]
