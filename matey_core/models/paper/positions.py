"""The published position and area encoding: Fourier features of time, place and patch size."""

from functools import lru_cache

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.errors import ShapeError
from matey_core.models.paper.patches import Triple
from matey_core.models.paper.selection import Cut
from matey_core.nn.fourier import fourier_features
from matey_core.tokens import to_device

LONGEST_TIME = 100.0
SHORTEST_LENGTH = 1e-4
SMALLEST_AREA = 1e-10


def cell_centres(grid: Triple) -> Float[Tensor, "nd nh nw 3"]:
    """Centre of every cell of a grid over the unit domain."""
    axes = [(torch.arange(count) + 0.5) / count for count in grid]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def time_features(frames: Float[Tensor, " t"], width: int) -> Float[Tensor, "t d"]:
    """Features of the frames' indices."""
    return fourier_features(frames, width, shortest=1.0, longest=LONGEST_TIME)


def area_features(area: Float[Tensor, " n"], width: int) -> Float[Tensor, "n d"]:
    """Features of the share of the domain that a patch covers."""
    return fourier_features(area, width, shortest=SMALLEST_AREA, longest=1.0)


def place_features(
    centres: Float[Tensor, "n 3"], width: int, *, is_flat: bool
) -> Float[Tensor, "n d"]:
    """Features of the centres, axis after axis; a flat domain has no first axis."""
    third = width // 3
    sizes = (0, width // 2, width // 2) if is_flat else (third, third, width - 2 * third)
    return torch.cat(
        [
            fourier_features(centres[:, axis], size, shortest=SHORTEST_LENGTH, longest=1.0)
            for axis, size in enumerate(sizes)
            if size
        ],
        dim=-1,
    )


@lru_cache(maxsize=32)
def _tables(grid: Triple, split: Triple, width: int, is_flat: bool) -> tuple[Tensor, Tensor]:
    """Place and area features of the coarse cells, then of the fine cells of each."""
    with torch.inference_mode(False):  # what is kept must serve training too
        return _made(grid, split, width, is_flat)


def _made(grid: Triple, split: Triple, width: int, is_flat: bool) -> tuple[Tensor, Tensor]:
    levels = [cell_centres(grid).flatten(0, 2)]
    q = split[0] * split[1] * split[2]
    if q > 1:
        depth, height, length = (n * s for n, s in zip(grid, split, strict=True))
        levels.append(
            rearrange(
                cell_centres((depth, height, length)),
                "(nd qd) (nh qh) (nw qw) a -> (nd nh nw qd qh qw) a",
                qd=split[0],
                qh=split[1],
                qw=split[2],
            )
        )
    areas = torch.cat([torch.full((len(cells),), 1.0 / len(cells)) for cells in levels])
    centres = torch.cat(levels)
    _check_range(centres, areas)
    return place_features(centres, width, is_flat=is_flat), area_features(areas, width)


def _check_range(centres: Tensor, areas: Tensor) -> None:
    if float(centres.min()) < SHORTEST_LENGTH or float(areas.min()) < SMALLEST_AREA:
        raise ShapeError(
            f"The fourier position encoding tells apart at most {round(0.5 / SHORTEST_LENGTH)} "
            f"patches an axis and {1 / SMALLEST_AREA:.0e} in all; this grid has more.",
            remedy='Use larger patches, or set model.position to "none".',
        )


class PositionArea(nn.Module):
    """Linear maps of the features of time, place and area, added up."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.time_embed = nn.Linear(width, width)
        self.pos_embed = nn.Linear(width, width)
        self.scale_embed = nn.Linear(width, width)

    def forward(self, cut: Cut, *, frames: int, is_flat: bool) -> Float[Tensor, "m t d"]:
        """Encode all coarse cells, then the fine cells of each, at every frame.

        Args:
            cut: the cells.
            frames: frames of the history.
            is_flat: the first of the three axes has one point.

        Raises:
            ShapeError: more frames or cells than the features tell apart.
        """
        if frames > LONGEST_TIME + 1:
            raise ShapeError(
                f"The fourier position encoding takes at most 101 frames, not {frames}.",
                remedy='Shorten the history, or set model.position to "none".',
            )
        weight = self.time_embed.weight
        tables = (
            *_tables(cut.grid, cut.split, self.width, is_flat),
            time_features(torch.arange(float(frames)), self.width),
        )
        place, area, time = (to_device(table, weight.device).to(weight.dtype) for table in tables)
        cells = self.pos_embed(place) + self.scale_embed(area)
        return cells[:, None] + self.time_embed(time)
