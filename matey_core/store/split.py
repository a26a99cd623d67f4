"""Which trajectories train, which validate, which test."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8

from matey_core.errors import ConfigError

TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Shares of train, validation and test, and the seed that draws them."""

    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0

    def __post_init__(self) -> None:
        total = sum(self.shares)
        if not 0 < total < float("inf") or min(self.shares) < 0 or not self.shares[TRAIN] > 0:
            raise ConfigError(
                f"A split needs three shares of at least 0, the first above 0, not {self.shares}.",
                remedy="Write train, validation and test as 0.8,0.1,0.1.",
            )

    def assign(self, identities: Sequence[Hashable]) -> Int8[np.ndarray, "sample"]:
        """Draw the split of every sample.

        Samples of equal identity are copies of one trajectory and stay together.
        Test and validation get at least one trajectory each, test first, as long as
        one is left for training; so of two trajectories one trains and one tests,
        and a single one trains.

        Args:
            identities: one value a sample.

        Returns:
            (sample,) 0 for train, 1 for validation, 2 for test.
        """
        copies: dict[Hashable, list[int]] = {}
        for sample, identity in enumerate(identities):
            copies.setdefault(identity, []).append(sample)
        groups = list(copies.values())
        order = np.random.default_rng(self.seed).permutation(len(groups))
        waiting = [groups[index] for index in order]
        split = np.full(len(identities), TRAIN, np.int8)
        for kind in (TEST, VALIDATION):
            share = self.shares[kind] / sum(self.shares)
            for group in _draw(waiting, share * len(identities), is_wanted=share > 0):
                split[group] = kind
        return split


def _draw(waiting: list[list[int]], target: float, *, is_wanted: bool) -> list[list[int]]:
    """Take groups out of `waiting`, about `target` samples but never the last group."""
    taken: list[list[int]] = []
    room = max(1, round(target)) if is_wanted else 0
    for group in list(waiting):
        if len(waiting) > 1 and len(group) <= room:
            waiting.remove(group)
            taken.append(group)
            room -= len(group)
    if is_wanted and not taken and len(waiting) > 1:
        smallest = min(waiting, key=len)
        waiting.remove(smallest)
        taken.append(smallest)
    return taken
