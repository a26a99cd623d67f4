"""torch's compiled flexible attention: sequences of unequal length on CUDA, up to float32."""

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from matey_core.errors import ConfigError
from matey_core.kernels import KERNELS
from matey_core.kernels._channels import in_eights
from matey_core.tokens import Segments, remember

BLOCK = 128
"""Rows and columns of the blocks that are computed or left out."""
NARROWEST = 16
"""Channels of a head that the compiled kernel needs."""


@KERNELS.register("flex")
def flex(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Attend within blocks of 128 × 128 rows that share a sequence; leave all others out.

    The first call compiles, and so does the first with another number of rows.

    Raises:
        ConfigError: the tensors are not on a CUDA device. On CPUs, torch 2.13 has no backward
            pass, and does not compile the forward pass for changing numbers of rows.
    """
    if q.device.type != "cuda":
        raise ConfigError(
            f"model.kernel is flex, which takes tensors on a CUDA device, not on {q.device.type}.",
            remedy="Set model.kernel=auto. The setting of a trained model is in its model.json.",
        )
    if segments.total == 0:
        return v
    mask = _mask(segments, q.device)

    def attend(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        q, k, v = (x.transpose(0, 1).unsqueeze(0) for x in (q, k, v))
        mixed = _compiled()(q, k, v, block_mask=mask, scale=scale)
        return mixed.squeeze(0).transpose(0, 1)

    return in_eights(attend, q, k, v, least=NARROWEST)


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., Tensor]:
    """Without compilation, flex_attention would write out the matrix of all with all."""
    return torch.compile(flex_attention)


@remember
def _mask(segments: Segments, device: torch.device) -> BlockMask:
    """Say which blocks to compute whole, and in which to look at single rows.

    A block stands for 128 × 128 pairs, so what is built here has (m/128)² entries.
    """
    index = segments.index(device)
    # The rows of the last block that do not exist are a sequence of their own.
    rows = torch.nn.functional.pad(index, (0, -len(index) % BLOCK), value=segments.count)
    first, last = rows.view(-1, BLOCK)[:, 0], rows.view(-1, BLOCK)[:, -1]
    meet = (first[:, None] <= last) & (last[:, None] >= first)
    is_one = first == last
    whole = meet & is_one[:, None] & is_one

    def same(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return rows[i] == rows[j]

    return BlockMask.from_kv_blocks(
        *_listed(meet & ~whole),
        *_listed(whole),
        BLOCK_SIZE=BLOCK,
        mask_mod=same,
        seq_lengths=(segments.total, segments.total),
    )


def _listed(blocks: Bool[Tensor, "r c"]) -> tuple[Int[Tensor, "1 1 r"], Int[Tensor, "1 1 r c"]]:
    """For every row of blocks, how many are chosen, and which, chosen ones first."""
    order = blocks.byte().argsort(dim=1, descending=True, stable=True)
    return blocks.sum(1).int()[None, None], order.int()[None, None]
