"""Numbers and pictures that several pages need."""

from collections.abc import Mapping, Sequence
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


def grouped(path: Path) -> tuple[list[int], np.ndarray]:
    """Seeds and fields (sample, t, c, *space) of a file with one group a sample, in float64."""
    with h5py.File(path) as file:
        data = np.stack([file[group]["data"][:] for group in file]).astype(np.float64)
        return [int(group) for group in file], np.moveaxis(data, -1, 2)


def over_time(histories: Mapping[str, np.ndarray], interval: float) -> "Figure":
    """Draw relative L2 distances, each over the frames after the start."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.8), layout="constrained")
    axis = figure.subplots()
    for label, errors in histories.items():
        axis.semilogy(np.arange(1, len(errors)) * interval, errors[1:], label=label)
    axis.set(xlabel="t", ylabel="relative L2")
    axis.legend(frameon=False, ncols=2)
    return figure


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
