"""Cells over a field as a file, with axes and a color bar; matplotlib draws it."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matey_core.errors import ConfigError, install_extra

if TYPE_CHECKING:
    from matey_core.workflows.tokenize_inspect import Picture

WIDTH = 6.4
"""Inches across that a plane has, about."""
SHORTEST, TALLEST = 1.6, 9.0
"""Inches down that a plane may have."""
LINE = 2.8
"""Inches down that a curve has."""


def check_name(path: Path) -> None:
    """Say before the work whether a picture can be written under this name.

    Raises:
        ConfigError: the suffix is neither .png nor .svg, the folder does not exist or has this
            name, or matplotlib is missing.
    """
    if path.is_dir():
        raise ConfigError(
            f"--save {path} is a folder.", remedy=f"Name a file in it: --save {path / 'cells.png'}."
        )
    if path.suffix.lower() not in (".png", ".svg"):
        raise ConfigError(
            f"--save {path} ends in {path.suffix or 'nothing'}; pictures are .png or .svg.",
            remedy=f"Write it as --save {path.with_suffix('.png')}.",
        )
    if not path.parent.is_dir():
        raise ConfigError(f"--save {path}: there is no folder {path.parent}.")
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "matplotlib is not installed, so --save cannot draw.",
            remedy=f"{install_extra('plots')}, or look at the map in the terminal.",
        )


def save(picture: "Picture", path: Path, *, title: str, field: str, cells: str) -> None:
    """Write a picture; it has its name only when complete.

    Args:
        picture: a field and its cells.
        path: ends in .png or .svg.
        title: what is shown.
        field: its name.
        cells: how it is cut, in words.

    Raises:
        ConfigError: `check_name` refuses it.
    """
    from matplotlib.figure import Figure

    from matey_core.reports.axes import bracketed, literal

    check_name(path)
    is_line = picture.values.ndim == 1
    height = LINE if is_line else _height(picture)
    figure = Figure(figsize=(WIDTH + 1.2, height + 1.1), layout="constrained")
    panel = figure.subplots()
    label = f"{literal(field)}{bracketed(picture.unit)}"
    if is_line:
        _draw_line(panel, picture)
        panel.set_ylabel(label)
    else:
        image = _draw_plane(panel, picture)
        figure.colorbar(image, ax=panel, label=label, pad=0.02)
    cut = f"; {picture.slice_of}" if picture.slice_of else ""
    panel.set_title(literal(f"{title}\n{cells}{cut}"), fontsize=9)
    partial = path.with_name(path.name + ".partial")
    try:
        figure.savefig(partial, format=path.suffix[1:].lower(), dpi=150)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _draw_line(panel: Any, picture: "Picture") -> None:
    """A curve, with a line wherever a cell begins."""
    (axis,) = picture.axes
    panel.plot(axis.positions, picture.values, color="C0")
    low, high = axis.edges
    step = (high - low) / len(picture.values)
    begins = np.flatnonzero(np.diff(picture.cells)) + 1
    for place in (low, *(low + step * begins), high):
        panel.axvline(place, color="0.6", linewidth=0.6, zorder=0)
    panel.set_xlim(low, high)
    panel.set_xlabel(axis.label)


def _draw_plane(panel: Any, picture: "Picture") -> Any:
    """A field in color, with the outlines of its cells."""
    from matplotlib.collections import PolyCollection

    up, across = picture.axes
    image = panel.imshow(
        picture.values,
        origin="lower",
        extent=(*across.edges, *up.edges),
        aspect="auto",
        interpolation="nearest",
    )
    corners = _corners(picture.cells)
    rows, columns = picture.cells.shape
    for column, (axis, points) in enumerate(((across, columns), (up, rows))):
        low, high = axis.edges
        corners[..., column] = low + corners[..., column] * (high - low) / points
    for color, width in (("black", 1.2), ("white", 0.6)):  # either shows on any color
        outlines = PolyCollection(
            list(corners), facecolors="none", edgecolors=color, linewidths=width, alpha=0.8
        )
        outlines.set_gid(f"cells-{color}")
        panel.add_collection(outlines)
    panel.set_xlabel(across.label)
    panel.set_ylabel(up.label)
    return image


def _height(picture: "Picture") -> float:
    """Inches of a plane whose axes have the same scale, if it is not too long for that."""
    from matey_core.reports.axes import proportion

    return float(np.clip(WIDTH * proportion(*picture.axes), SHORTEST, TALLEST))


def _corners(cells: np.ndarray) -> np.ndarray:
    """(cell, 4, 2) corners of every cell, in points across and up."""
    rows, columns = np.indices(cells.shape)
    _, inverse = np.unique(cells, return_inverse=True)
    inverse = inverse.reshape(-1)
    edges = []
    for place in (columns.reshape(-1), rows.reshape(-1)):
        low = np.full(inverse.max() + 1, place.max())
        high = np.zeros_like(low)
        np.minimum.at(low, inverse, place)
        np.maximum.at(high, inverse, place)
        edges.append((low, high + 1))
    (left, right), (bottom, top) = edges
    pairs = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return np.stack([np.stack(pair, axis=-1) for pair in pairs], axis=1).astype(float)
