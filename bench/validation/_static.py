"""Pictures of static problems."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def columns(fields: Sequence[np.ndarray], titles: Sequence[str]) -> "Figure":
    """Draw (y, x) fields side by side, each with its own range of values."""
    return table([fields], titles)


def table(
    rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str], names: Sequence[str] = ()
) -> "Figure":
    """Draw rows of (y, x) fields, each field with its own range of values.

    Args:
        rows: fields of each row.
        titles: of the columns.
        names: of the rows.
    """
    import matplotlib
    from matplotlib.figure import Figure

    colormap = matplotlib.colormaps["viridis"].resampled(32)
    figure = Figure(figsize=(2.2 * len(titles), 1.9 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for line, row in zip(axes, rows, strict=True):
        for axis, values in zip(line, row, strict=True):
            # Few colors, which a small picture can hold.
            image = axis.imshow(values, origin="lower", cmap=colormap)
            axis.set(xticks=[], yticks=[])
            figure.colorbar(image, ax=axis, shrink=0.8)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title)
    for axis, name in zip(axes[:, 0], names, strict=False):
        axis.set_ylabel(name)
    return figure
