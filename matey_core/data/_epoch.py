"""How an epoch is divided among stores, and in which order their batches come."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from matey_core.errors import ConfigError


class Order(NamedTuple):
    """The batches of an epoch."""

    stores: Int64[np.ndarray, "batches"]
    """Store of each batch."""
    numbers: Int64[np.ndarray, "batches"]
    """How many batches of the same store come before it in the epoch."""


def weights_of(
    names: Sequence[str],
    counts: Sequence[int],
    *,
    exponent: float,
    given: Mapping[str, float] | None,
) -> Float[np.ndarray, "stores"]:
    """Shares of the stores, which sum to 1.

    Args:
        names: of the stores.
        counts: windows of each.
        exponent: without `given`, a store's weight is its windows to this power.
        given: weights by name; stores that are not named have weight 1.

    Raises:
        ConfigError: a name that no store has, or weights that cannot be shares.
    """
    weights = np.array(counts, np.float64) ** exponent
    if given:
        if unknown := sorted(set(given) - set(names)):
            raise ConfigError(
                f"weights names {', '.join(unknown)}; the stores are {', '.join(names)}.",
                remedy="Write weights as NAME=2,OTHER=1, with the names of stores.",
            )
        weights = np.array([given.get(name, 1.0) for name in names])
    if not np.isfinite(weights).all() or weights.min() < 0 or weights.sum() <= 0:
        raise ConfigError(
            f"Weights of stores must be at least 0 and one of them above, not {weights.tolist()}."
        )
    return weights / weights.sum()


def shares_of(
    weights: Float[np.ndarray, "stores"], num_batches: int
) -> Int64[np.ndarray, "stores"]:
    """Divide an epoch's batches by weights, by largest remainder.

    A store with any weight gets at least one batch; one without gets none.

    Args:
        weights: sum to 1.
        num_batches: not below the number of stores with a weight.
    """
    wanted = weights * num_batches
    shares = np.where(weights > 0, np.maximum(1, np.floor(wanted + 1e-9)), 0).astype(np.int64)
    while (rest := num_batches - shares.sum()) > 0:
        lacking = np.argsort(shares - wanted, kind="stable")
        shares[lacking[weights[lacking] > 0][:rest]] += 1
    while shares.sum() > num_batches:
        excess = np.where(shares > 1, shares - wanted, -np.inf)
        shares[excess.argmax()] -= 1
    return shares


def order_of(shares: Int64[np.ndarray, "stores"], *, seed: int, epoch: int) -> Order:
    """Shuffle the batches of an epoch."""
    stores = np.repeat(np.arange(len(shares)), shares)
    stores = np.random.default_rng((seed, epoch)).permutation(stores)
    by_store = np.argsort(stores, kind="stable")
    numbers = np.empty_like(stores)
    numbers[by_store] = np.concatenate([np.arange(share) for share in shares])
    return Order(stores, numbers)
