"""Several augmentations, one after another."""

from collections.abc import Callable, Sequence

import numpy as np

from matey_core.batches import FieldBatch

Change = Callable[[FieldBatch, Sequence[int]], FieldBatch]


class Chain:
    """Augmentations in order, each with seeds of its own that follow from the sample's."""

    def __init__(self, parts: Sequence[Change]) -> None:
        self.parts = tuple(parts)

    def __call__(self, batch: FieldBatch, seeds: Sequence[int]) -> FieldBatch:
        """Apply all parts; the first is given the seeds as they are."""
        for position, part in enumerate(self.parts):
            batch = part(batch, [_derived(seed, position) for seed in seeds])
        return batch


def _derived(seed: int, position: int) -> int:
    """Seed of the part at a position: 63 bits, which torch takes."""
    if position == 0:
        return seed
    return int(np.random.SeedSequence((seed, position)).generate_state(1, np.uint64)[0] >> 1)
