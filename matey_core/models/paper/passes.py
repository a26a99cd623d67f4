"""From tokens to the last frame: one grid, mixed cells in one sequence, or two passes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.models.paper.blocks import PaperLayout
from matey_core.models.paper.patches import PaperHead, Triple
from matey_core.models.paper.selection import Cut, pack
from matey_core.nn.recompute import run_block
from matey_core.tokens import Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a pass works on."""

    blocks: Iterable[nn.Module]
    recompute: bool
    """Keep only what enters each block for the backward pass."""
    fine_head: PaperHead
    coarse_head: PaperHead
    """The same as the fine one where there is a single patch size."""
    ids: Int[Tensor, " c"]
    cut: Cut
    table: Float[Tensor, "b m t d"]
    """Tokens of all coarse cells of a sample, then of the fine cells of each coarse one."""
    lead: Float[Tensor, "b d"]

    def run(
        self, x: Float[Tensor, "n t d"], layout: PaperLayout, lead: Float[Tensor, "s d"]
    ) -> Float[Tensor, "n d"]:
        """Pass tokens through all blocks, the lead time in the first; keep the last frame."""
        first: Tensor | None = lead
        for block in self.blocks:
            x = run_block(block, x, layout, first, recompute=self.recompute)
            first = None
        return x[:, -1]


def uniform_pass(job: Job) -> Float[Tensor, "b c d h w"]:
    """Coarse cells only, through blocks and head."""
    n = job.cut.num_coarse
    coarse = job.table[:, :n]
    layout = PaperLayout(segments=Segments.same(len(coarse), n), grid=job.cut.grid)
    last = job.run(coarse.flatten(0, 1), layout, job.lead)
    return job.coarse_head(_raster(last.unflatten(0, (-1, n)), job.cut.grid), job.ids)


def mixed_pass(job: Job) -> Float[Tensor, "b c d h w"]:
    """Coarse cells, and fine ones where refined, in one sequence.

    Where nothing at all is refined in a batch, the published model is the uniform one
    with the weights of plain norms; so is this.
    """
    if not any(job.cut.counts):
        return uniform_pass(job)
    packing = pack(job.cut)
    x = job.table.flatten(0, 1)[packing.rows]
    last = job.run(x, PaperLayout(segments=packing.segments, is_mixed=True), job.lead)
    # Every fine cell shows its own token or its coarse cell's; every coarse cell the mean.
    canvas = last[packing.canvas]
    coarse = job.coarse_head(_raster(canvas.mean(2), job.cut.grid), job.ids)
    fine = job.fine_head(_fine_raster(canvas, job.cut), job.ids)
    refined = job.cut.mask().unflatten(1, job.cut.grid).unsqueeze(1)
    for axis, count in enumerate(job.cut.grid, start=2):
        refined = refined.repeat_interleave(coarse.shape[axis] // count, axis)
    return torch.where(refined, fine, coarse)


def two_pass(job: Job) -> Float[Tensor, "b c d h w"]:
    """All coarse cells, then every refined cell on its own, added as a correction."""
    base = uniform_pass(job)
    if not any(job.cut.counts):
        return base
    n, q = job.cut.num_coarse, job.cut.num_fine
    samples, cells = job.cut.pairs()
    local = job.table[:, n:].unflatten(1, (n, q))[samples, cells]
    layout = PaperLayout(segments=Segments.same(len(samples), q), grid=job.cut.split)
    last = job.run(local.flatten(0, 1), layout, job.lead[samples])
    patches = job.fine_head(_raster(last.unflatten(0, (-1, q)), job.cut.split), job.ids)
    return _add_patches(base, patches, job.cut.grid, (samples, cells))


PASSES: dict[str, Callable[[Job], Tensor]] = {
    "uniform": uniform_pass,
    "adap_mix": mixed_pass,
    "adap_mul": two_pass,
}


def _raster(cells: Float[Tensor, "b n e"], grid: Triple) -> Float[Tensor, "b e nd nh nw"]:
    return cells.transpose(1, 2).unflatten(2, grid)


def _fine_raster(canvas: Float[Tensor, "b n q e"], cut: Cut) -> Float[Tensor, "b e d h w"]:
    cells = canvas.unflatten(1, cut.grid).unflatten(4, cut.split)
    return rearrange(cells, "b nd nh nw qd qh qw e -> b e (nd qd) (nh qh) (nw qw)")


def _add_patches(
    base: Float[Tensor, "b c d h w"],
    patches: Float[Tensor, "p c pd ph pw"],
    grid: Triple,
    places: tuple[Tensor, Tensor],
) -> Float[Tensor, "b c d h w"]:
    nd, nh, nw = grid
    shape = {"nd": nd, "nh": nh, "nw": nw}
    cells = rearrange(base, "b c (nd pd) (nh ph) (nw pw) -> b (nd nh nw) c pd ph pw", **shape)
    cells = cells.index_put(places, patches.to(cells.dtype), accumulate=True)
    return rearrange(cells, "b (nd nh nw) c pd ph pw -> b c (nd pd) (nh ph) (nw pw)", **shape)
