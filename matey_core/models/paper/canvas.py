"""Fields on the grid (D, H, W) that the published code works on, and the way back."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.models.paper.patches import Triple

SMALLEST_STD = 1e-4


def to_canvas(history: Float[Tensor, "b t c *space"]) -> Float[Tensor, "b t c d h w"]:
    """Give fields of one or two axes leading axes of one point."""
    missing = 6 - history.ndim
    return history.reshape(*history.shape[:3], *(1,) * missing, *history.shape[3:])


def from_canvas(
    values: Float[Tensor, "bl c d h w"], space: tuple[int, ...], num_leads: int
) -> Float[Tensor, "b l c *space"]:
    """Take the leading axes away and part samples and lead times."""
    return values.reshape(-1, num_leads, values.shape[1], *space)


def pad(
    values: Float[Tensor, "b t c d h w"], patch: Triple, periodic: tuple[bool, ...]
) -> Float[Tensor, "b t c e i j"]:
    """Extend every axis at its end to a multiple of the patch.

    Args:
        values: (b, t, c, d, h, w) fields.
        patch: points per axis.
        periodic: whether each of the one to three real axes wraps around; where one
            does not, the value at the edge is repeated.
    """
    wraps = (False,) * (3 - len(periodic)) + tuple(periodic)
    for axis, (side, wrap) in enumerate(zip(patch, wraps, strict=True), start=3):
        size = values.shape[axis]
        if size % side:
            index = torch.arange(size + side - size % side, device=values.device)
            index = index % size if wrap else index.clamp(max=size - 1)
            values = values.index_select(axis, index)
    return values


def crop(values: Float[Tensor, "b c e i j"], shape: torch.Size) -> Float[Tensor, "b c d h w"]:
    """Undo `pad`."""
    depth, height, width = shape
    return values[:, :, :depth, :height, :width]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Mean and unbiased spread of every field of a sample over time and space."""

    mean: Float[Tensor, "b c"]
    std: Float[Tensor, "b c"]

    @classmethod
    @torch.no_grad()
    def of(cls, history: Float[Tensor, "b t c d h w"]) -> "Statistics":
        """Measure a history; a spread below 1e-4, in the field's unit, counts as 1e-4."""
        std, mean = torch.std_mean(history, dim=(1, 3, 4, 5))
        return cls(mean=mean, std=std.clamp(min=SMALLEST_STD))

    def normalize(self, x: Float[Tensor, "b t c d h w"]) -> Float[Tensor, "b t c d h w"]:
        """(x − mean) / std."""
        mean, std = (part[:, None, :, None, None, None] for part in (self.mean, self.std))
        return (x - mean) / std

    def restore(self, x: Float[Tensor, "b c d h w"]) -> Float[Tensor, "b c d h w"]:
        """X · std + mean."""
        return x * self.std[..., None, None, None] + self.mean[..., None, None, None]
