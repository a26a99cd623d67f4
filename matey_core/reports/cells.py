"""A field and the cells it is cut into, point by point, for someone to draw."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from matey_core.reports.axes import Axis, upright
from matey_core.tokenizers import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A line or a plane of points."""

    values: Float[np.ndarray, "*plane"]
    """The field in physical units."""
    levels: Int[np.ndarray, "*plane"]
    """Level of the leaf that each point lies in; 0 is the coarsest."""
    cells: Int[np.ndarray, "*plane"]
    """A number for every leaf, the same on all its points."""
    axes: tuple[Axis, ...]
    """Of the values; x goes across, and positions grow."""
    unit: str = ""
    """Of the field."""
    slice_of: str = ""
    """Where a plane was cut out of a volume, such as "x at point 16 of 32"."""


def picture_of(values: np.ndarray, tree: Tree, *, axes: tuple[Axis, ...], unit: str) -> Picture:
    """Show a field with the leaves of a tree of one sample; volumes at mid-depth.

    Args:
        values: (*space) one field at one time.
        tree: cells of one sample.
        axes: of space.
        unit: of the field.
    """
    planes, slice_of = (values, *pointwise(tree)), ""
    if values.ndim == 3:
        middle = len(values) // 2
        slice_of = f"{axes[0].name} at point {middle} of {len(values)}"
        axes, planes = axes[1:], tuple(volume[middle] for volume in planes)
    axes, (values, levels, cells) = upright(axes, *planes)
    return Picture(
        values=values, levels=levels, cells=cells, axes=axes, unit=unit, slice_of=slice_of
    )


def pointwise(tree: Tree) -> tuple[np.ndarray, np.ndarray]:
    """Level and number of the leaf around every point of the grid."""
    shape = tuple(n * p for n, p in zip(tree.roots, tree.patches[0], strict=True))
    levels = torch.zeros(shape, dtype=torch.int64)
    cells = torch.zeros(shape, dtype=torch.int64)
    first = 0
    for level, (mask, patch) in enumerate(zip(tree.leaves, tree.patches, strict=True)):
        here = mask[0].cpu()
        numbers = first + torch.arange(here.numel()).reshape(here.shape)
        first += here.numel()
        for axis, points in enumerate(patch):
            here = here.repeat_interleave(points, dim=axis)
            numbers = numbers.repeat_interleave(points, dim=axis)
        levels[here] = level
        cells[here] = numbers[here]
    grid = tuple(slice(size) for size in tree.shape)
    return levels[grid].numpy(), cells[grid].numpy()
