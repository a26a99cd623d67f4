"""Which cells are refined, from the raw variance, and how coarse and fine cells are packed."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.models.paper.patches import Triple
from matey_core.tokenizers import TokenizerConfig
from matey_core.tokens import Segments


@torch.no_grad()
def variance_scores(history: Float[Tensor, "b t c d h w"], patch: Triple) -> Float[Tensor, "b n"]:
    """Mean over fields of the unbiased variance over a cell's points and frames.

    Args:
        history: (b, t, c, d, h, w) raw fields: the one with the largest numbers decides.
        patch: points per axis of a coarse cell.
    """
    depth, height, width = patch
    cells = rearrange(
        history,
        "b t c (nd pd) (nh ph) (nw pw) -> b c (nd nh nw) (t pd ph pw)",
        pd=depth,
        ph=height,
        pw=width,
    )
    return cells.var(-1).mean(1)


def refined_cells(
    scores: Float[Tensor, "b n"], *, gamma: float | None = None, ratio: float | None = None
) -> tuple[Int[Tensor, " _"], ...]:
    """Cells of each sample to refine, in the order of their fine tokens.

    Args:
        scores: (b, n) score of every coarse cell.
        gamma: refine what scores strictly above this fraction of the sample's largest
            score, in raster order.
        ratio: where given instead, refine this fraction of the cells, worst first.
    """
    if ratio is not None:
        count = int(ratio * scores.shape[1])
        return tuple(scores.topk(count).indices)
    above = scores > (gamma or 0.0) * scores.amax(1, keepdim=True)
    counts = above.sum(1).tolist()
    return above.nonzero_static(size=sum(counts))[:, 1].split(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The cells a batch is cut into: `n` coarse ones a sample, some refined into `q`."""

    grid: Triple
    """Coarse cells per axis."""
    split: Triple
    """Fine cells per axis of a coarse cell."""
    refined: tuple[Int[Tensor, " _"], ...]
    """Refined coarse cells of each sample."""

    @property
    def num_coarse(self) -> int:
        """Coarse cells of a sample."""
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def num_fine(self) -> int:
        """Fine cells of a coarse one."""
        return self.split[0] * self.split[1] * self.split[2]

    @property
    def counts(self) -> tuple[int, ...]:
        """Refined cells of each sample."""
        return tuple(len(cells) for cells in self.refined)

    def pairs(self) -> tuple[Int[Tensor, " p"], Int[Tensor, " p"]]:
        """(sample, cell) of all refined cells, sample after sample."""
        device = self.refined[0].device
        return Segments(self.counts).index(device), torch.cat(self.refined)

    def mask(self) -> Bool[Tensor, "b n"]:
        """Whether each coarse cell is refined."""
        chosen = self.refined[0].new_zeros(len(self.refined), self.num_coarse, dtype=torch.bool)
        return chosen.index_put(self.pairs(), chosen.new_ones(()))


@torch.no_grad()
def cut(
    history: Float[Tensor, "b t c d h w"], patches: tuple[Triple, ...], tokenizer: TokenizerConfig
) -> Cut:
    """Decide which cells of each sample are refined.

    Args:
        history: (b, t, c, d, h, w) raw fields on a grid that the coarse patch divides.
        patches: one or two patches, the finest first.
        tokenizer: the threshold or the ratio.
    """
    fine, coarse = patches[0], patches[-1]
    depth, height, width = (n // p for n, p in zip(history.shape[3:], coarse, strict=True))
    split = (coarse[0] // fine[0], coarse[1] // fine[1], coarse[2] // fine[2])
    if len(patches) == 1:
        nothing = torch.empty(0, dtype=torch.long, device=history.device)
        return Cut(grid=(depth, height, width), split=split, refined=(nothing,) * len(history))
    scores = variance_scores(history, coarse)
    refined = refined_cells(scores, gamma=tokenizer.gamma, ratio=tokenizer.ratio)
    return Cut(grid=(depth, height, width), split=split, refined=refined)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """A mixed sequence a sample: coarse cells that stay, then the fine cells of the rest.

    What the published code pads to the longest sample and masks is left out here:
    the blocks give the same numbers.
    """

    rows: Int[Tensor, " m"]
    """Rows of the table of all coarse and fine cells (b, n + n·q) that are kept."""
    segments: Segments
    canvas: Int[Tensor, "b n q"]
    """Where the token of each fine cell lies among `rows`: its own, or its coarse cell's."""


def pack(cut: Cut) -> Packing:
    """Lay the cells of each sample one after another."""
    n, q = cut.num_coarse, cut.num_fine
    mask = cut.mask()
    fine = torch.arange(q, device=mask.device)
    rows = []
    for sample, cells in enumerate(cut.refined):
        coarse = (~mask[sample]).nonzero_static(size=n - len(cells)).squeeze(1)
        local = (n + cells[:, None] * q + fine).flatten()
        rows.append(sample * n * (1 + q) + torch.cat([coarse, local]))
    kept = torch.cat(rows)
    place = kept.new_zeros(len(rows) * n * (1 + q))
    place[kept] = torch.arange(len(kept), device=kept.device)
    table = place.view(len(rows), n * (1 + q))
    canvas = torch.where(mask[..., None], table[:, n:].unflatten(1, (n, q)), table[:, :n, None])
    return Packing(rows=kept, segments=Segments(tuple(len(part) for part in rows)), canvas=canvas)
