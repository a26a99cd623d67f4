"""Random numbers and orders that are computed where they are needed, and never stored.

A draw is a function of numbers that name it, such as seed, store and position, so it is
the same in every process and thread, and nothing has to be repeated to get there.
"""

import numpy as np
from jaxtyping import Int64, UInt64

STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
LARGEST = 2**64 - 1
ROUNDS = 6
FEW = 4096
"""Up to as many things are sorted by random numbers: networks of few bits are too regular."""


def noise(key: tuple[int, ...], numbers: Int64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    """Draw 64 random bits for each number (SplitMix64; Steele, Lea & Flood 2014).

    Args:
        key: names what is drawn; other keys give independent draws.
        numbers: names each draw.
    """
    state = 0
    for part in key:
        state = _scramble_one(state ^ (part & LARGEST))
    state_bits = np.uint64(state)
    return _scramble(_scramble(numbers.astype(np.uint64) ^ state_bits) + state_bits)


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
    keys = noise(key, np.arange(ROUNDS))
    values = places.astype(np.uint64)
    outside = np.arange(len(values))
    while len(outside):
        values[outside] = _feistel(keys, values[outside], half)
        outside = outside[values[outside] >= size]
    return values.astype(np.int64)


def _feistel(
    keys: UInt64[np.ndarray, "rounds"], values: UInt64[np.ndarray, "n"], half: int
) -> UInt64[np.ndarray, "n"]:
    """Permute numbers of 2·`half` bits."""
    bits, unused = np.uint64(half), np.uint64(64 - half)
    left, right = values >> bits, values & np.uint64((1 << half) - 1)
    for key in keys:
        left, right = right, left ^ (_scramble(right ^ key) >> unused)
    return (left << bits) | right


def _scramble(state: UInt64[np.ndarray, "n"]) -> UInt64[np.ndarray, "n"]:
    state = state + np.uint64(STEP)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(FIRST)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(SECOND)
    return state ^ (state >> np.uint64(31))


def _scramble_one(state: int) -> int:
    state = (state + STEP) & LARGEST
    state = (state ^ (state >> 30)) * FIRST & LARGEST
    state = (state ^ (state >> 27)) * SECOND & LARGEST
    return state ^ (state >> 31)
