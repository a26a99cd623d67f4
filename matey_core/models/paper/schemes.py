"""The three published schemes, each as a block that takes packed cells."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.kernels import Kernel
from matey_core.models.paper.axial import GridTimeBlock, PaperAxialBlock
from matey_core.models.paper.blocks import PaperFullBlock, PaperLayout, TimeBlock


class FullScheme(nn.Module):
    """ViT: tokens of all cells and frames of a sample in one sequence."""

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float) -> None:
        super().__init__()
        self.spatialtemporal = PaperFullBlock(width, heads, kernel, rate=rate)

    def forward(
        self, x: Float[Tensor, "n t d"], layout: PaperLayout, lead: Float[Tensor, "s d"] | None
    ) -> Float[Tensor, "n t d"]:
        """Update the tokens of `n` cells; `lead` has one row a sequence."""
        segments = layout.segments.stretched(x.shape[1])
        rows = x.flatten(0, 1).unsqueeze(0)
        rows = self.spatialtemporal(rows, segments, lead, is_mixed=layout.is_mixed)
        return rows.view_as(x)


class FactorizedScheme(nn.Module):
    """SViT: the frames of each cell, then the cells of each frame."""

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float) -> None:
        super().__init__()
        self.temporal = TimeBlock(width, heads, kernel, rate=rate)
        self.spatial = PaperFullBlock(width, heads, kernel, rate=rate)

    def forward(
        self, x: Float[Tensor, "n t d"], layout: PaperLayout, lead: Float[Tensor, "s d"] | None
    ) -> Float[Tensor, "n t d"]:
        """Update the tokens of `n` cells; `lead` has one row a sequence."""
        cells = None if lead is None else lead[layout.segments.index(x.device)]
        frames = self.temporal(x, cells).transpose(0, 1)
        frames = self.spatial(frames, layout.segments, None, is_mixed=layout.is_mixed)
        return frames.transpose(0, 1)


class AxialScheme(nn.Module):
    """AViT: the frames of each cell, then rows, columns and pillars of each frame."""

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float) -> None:
        super().__init__()
        self.spatial = PaperAxialBlock(width, heads, kernel, rate=rate)
        self.temporal = GridTimeBlock(width, heads, kernel, rate=rate)

    def forward(
        self, x: Float[Tensor, "n t d"], layout: PaperLayout, lead: Float[Tensor, "s d"] | None
    ) -> Float[Tensor, "n t d"]:
        """Update the tokens of whole grids; `lead` has one row a sequence."""
        assert layout.grid is not None
        depth, height, width = layout.grid
        shape = {"nd": depth, "nh": height, "nw": width}
        grid = rearrange(x, "(b nd nh nw) t d -> t b d nd nh nw", **shape)
        grid = self.spatial(self.temporal(grid, lead))
        return rearrange(grid, "t b d nd nh nw -> (b nd nh nw) t d")


SCHEMES = {"full": FullScheme, "factorized": FactorizedScheme, "axial": AxialScheme}


def drop_rates(largest: float, depth: int) -> list[float]:
    """Rates of stochastic depth, from 0 in the first block to `largest` in the last."""
    return [largest * index / max(depth - 1, 1) for index in range(depth)]
