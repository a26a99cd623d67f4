"""Whether float32, in which models compute, can hold the values of a store."""

import math
from collections.abc import Iterator

import torch

from matey_core.rounding import ROUNDING
from matey_core.store import Store

FLOAT32 = torch.finfo(torch.float32)


def beyond_float32(store: Store) -> str:
    """Name the first field whose training values are infinite or 0 in float32; else nothing."""
    for name, largest, _ in _magnitudes(store):
        if largest > FLOAT32.max or 0 < largest < FLOAT32.tiny:
            return (
                f"{name} has values up to {largest:.2g}, and models compute in float32, from "
                f"{FLOAT32.tiny:.2g} to {FLOAT32.max:.2g}. Prepare it in other units, as --derive "
                "does"
            )
    return ""


def lost_in_float32(store: Store) -> list[str]:
    """A sentence about every field whose spread is lost beside a large constant in it."""
    return [
        f"{store.name}: {name} differs by {spread:.2g} around values of {largest:.2g}, which "
        "float32 does not keep: it hardly trains. Prepare it without the constant (--derive)."
        for name, largest, spread in _magnitudes(store)
        if 0 < spread < ROUNDING * largest
    ]


def _magnitudes(store: Store) -> Iterator[tuple[str, float, float]]:
    """Name, largest value and spread of every field, where they are known."""
    for name in store.spec.names:
        found = store.statistics[name]
        largest = max(abs(found["min"]), abs(found["max"]))
        if math.isfinite(largest):
            yield name, largest, found["std"]
