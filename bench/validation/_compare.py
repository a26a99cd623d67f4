"""Numbers and pictures that several pages need."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import torch

from matey_core.simulators import PRECISIONS, Batch, Precision, Sample, Simulator
from matey_core.simulators._integrate import collate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def solve(
    simulator: Simulator, samples: Sequence[Sample], precision: Precision = "float64"
) -> np.ndarray:
    """Solve samples side by side: (b, t, c, *space) stored fields."""
    batch: Batch = collate(samples, PRECISIONS[precision], "cpu")
    frames = [simulator.observe(states, batch) for states in simulator.frames(batch)]
    return torch.stack(frames, 1).numpy()


def relative(ours: np.ndarray, theirs: np.ndarray, *, axes: int) -> np.ndarray:
    """Relative L2 distance over the last `axes` axes."""
    over = tuple(range(-axes, 0))
    return np.sqrt(((ours - theirs) ** 2).sum(over) / (theirs**2).sum(over))


def stacked(path: Path, key: str) -> np.ndarray:
    """One array of a PDEBench file in float64."""
    with h5py.File(path) as file:
        return np.asarray(file[key][:], np.float64)


def panels(
    rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str], **options: object
) -> "Figure":
    """Draw (y, x) fields in rows that share one range of values each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.4 * len(titles), 2.2 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for line, row in zip(axes, rows, strict=True):
        low, high = min(f.min() for f in row), max(f.max() for f in row)
        for axis, title, values in zip(line, titles, row, strict=True):
            image = axis.imshow(values, origin="lower", vmin=low, vmax=high, **options)
            axis.set(xticks=[], yticks=[], title=title)
        figure.colorbar(image, ax=list(line), shrink=0.8)
    return figure
