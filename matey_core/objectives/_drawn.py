"""Numbers that follow from the numbers in a window, and from its lead time.

So a resumed training, and any way to deal a batch out to processes, draws the same ones.
"""

from jaxtyping import Int
from torch import Tensor, arange, int32

from matey_core.batches import FieldBatch

PROBES = 64
"""Numbers of a window, about, that others follow from."""
STEP = -0x61C8864680B583EB
MIX = ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15))
"""Of the generator SplitMix64 (doi 10.1145/2660193.2660195), as signed numbers."""


def drawn(batch: FieldBatch, number: int) -> Int[Tensor, "b n"]:
    """Give each sample numbers that look as if they were drawn, the same on every device.

    Args:
        batch: of windows.
        number: how many a sample.

    Returns:
        (b, number), none of them negative.
    """
    values = batch.history.detach().float().flatten(1)
    bits = values[:, :: max(1, values.shape[1] // PROBES)].contiguous().view(int32).long()
    odd = 2 * arange(bits.shape[1], device=bits.device) + 1
    seeds = (bits * odd).sum(1) + batch.lead_steps[:, 0] * STEP
    numbers = seeds.unsqueeze(1) + STEP * arange(1, number + 1, device=seeds.device)
    for by, factor in MIX:
        numbers = (numbers ^ (numbers >> by)) * factor
    return numbers ^ (numbers >> 31)
