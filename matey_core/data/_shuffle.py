"""Random numbers and orders that are computed where they are needed, and never stored.

A draw is a function of numbers that name it, such as seed, store and position, so it is
the same in every process and thread, and nothing has to be repeated to get there.
"""

import numpy as np
from jaxtyping import Int64, UInt64

ROUNDS = 6
FEW = 4096
"""Up to as many things are sorted by random numbers: networks of few bits are too regular."""


def noise(key: tuple[int, ...], numbers: Int64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    """Draw 64 random bits for each number (SplitMix64; Steele, Lea & Flood 2014).

    Args:
        key: names what is drawn; other keys give independent draws.
        numbers: names each draw.
    """
    state = np.zeros(1, np.uint64)
    for part in key:
        state = _scramble(state ^ np.uint64(part & (2**64 - 1)))
    return _scramble(_scramble(numbers.astype(np.uint64) ^ state) + state)


def shuffled(
    key: tuple[int, ...], places: Int64[np.ndarray, "n"], size: int
) -> Int64[np.ndarray, "n"]:
    """Look up what stands at some places of a random order of `size` things.

    Of many things, a Feistel network permutes the smallest 4ᵏ that is not below `size`;
    what falls outside walks on along its cycle until it is inside (Black & Rogaway 2002).

    Args:
        key: names the order.
        places: from 0 to `size` − 1.
        size: number of things.

    Returns:
        (n,) distinct for distinct places, from 0 to `size` − 1.
    """
    if size <= FEW:
        order: np.ndarray = np.argsort(noise(key, np.arange(size)), kind="stable")
        return order[places]
    half = ((size - 1).bit_length() + 1) // 2
    values = places.astype(np.int64)
    outside = np.arange(len(values))
    while len(outside):
        values[outside] = _feistel(key, values[outside], half)
        outside = outside[values[outside] >= size]
    return values


def _feistel(
    key: tuple[int, ...], values: Int64[np.ndarray, "n"], half: int
) -> Int64[np.ndarray, "n"]:
    """Permute numbers of 2·`half` bits."""
    left, right = values >> half, values & ((1 << half) - 1)
    for number in range(ROUNDS):
        mixed = noise((*key, number), right) >> np.uint64(64 - half)
        left, right = right, left ^ mixed.astype(np.int64)
    return (left << half) | right


def _scramble(state: UInt64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
