"""A reproducible stream of training batches from many stores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from matey_core.batches import FieldBatch
from matey_core.data._epoch import Order, order_of, shares_of, weights_of
from matey_core.data._shuffle import noise, shuffled
from matey_core.data.change import mean_change
from matey_core.data.starts import Starts
from matey_core.data.windows import Windows
from matey_core.errors import CheckpointError, ConfigError, DataError

Augment = Callable[[FieldBatch, Sequence[int]], FieldBatch]
"""(batch, one seed a sample) → batch."""
Targets = Callable[[int, int], Sequence[int]]
"""(lead drawn for a sample, step) → leads of the sample's targets, as many for every lead."""
EXPONENT = 0.5
"""A store's weight is its number of windows to this power."""
ORDER, LEADS, SEEDS, STARTS = range(4)
"""What is drawn: an order of windows, leads, seeds of augmentations, starts of windows."""


def one_target(lead: int, step: int) -> Sequence[int]:
    """Default targets: the one at the lead that was drawn."""
    return (lead,)


class Draw(NamedTuple):
    """What a step trains on: a store, its windows and their leads."""

    store: int
    indices: list[int]
    lead_steps: list[int]
    seeds: list[int]
    """One a window, for augmentations."""


class Mixture(Iterator[FieldBatch]):
    """Batches without end, each of one store, a function of seed and step alone.

    The windows of each store come in passes: a pass has every window once, in an order of
    its own. With `by_change`, it has as many of every trajectory, and starts as `Starts` says. A
    store's batches are cut from its passes one after another. An epoch has `epoch_batches`
    batches, of which each store has the share of its weight.

    Every process draws the same global batch and reads its own slice, so the data
    does not depend on how many processes share the work.
    """

    def __init__(
        self,
        windows: Sequence[Windows],
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        exponent: float = EXPONENT,
        weights: Mapping[str, float] | None = None,
        augment: Augment | None = None,
        targets: Targets = one_target,
        whole_epochs: bool = False,
        with_change: bool = False,
        by_change: bool = False,
    ) -> None:
        """Set up the stream at step 0.

        Args:
            windows: the windows of each store; empty ones are left out.
            batch_size: windows of a global batch, a multiple of `world`.
            seed: decides all draws.
            rank: number of this process.
            world: number of processes.
            exponent: 0 draws all stores alike, 1 in proportion to their windows.
            weights: name of a store -> its weight, in the place of `exponent`; those not
                named weigh 1, and those of weight 0 are left out.
            augment: changes every batch; a sample's seed does not depend on `world`.
            targets: frames that a sample needs at a step; none of them behind the longest lead
                of the windows.
            whole_epochs: an epoch is every window exactly once, whatever the weights: the
                last batch of a store in an epoch may be smaller, and a process may have
                one window less of it than another, or none.
            with_change: measure what each store changes by, for the batches to carry; reads
                up to 64 windows of each.
            by_change: draw windows where fields change more often, see `Starts`; reads up to
                128 pairs of frames of each store. Not with `whole_epochs`.

        Raises:
            ConfigError: the batch cannot be shared evenly, or the weights do not fit.
            DataError: there are no windows.
        """
        if batch_size < 1 or batch_size % world:
            raise ConfigError(
                f"A batch of {batch_size} cannot be cut into {world} equal parts.",
                remedy=f"Choose a multiple of {world} as batch size.",
            )
        self.windows = [part for part in windows if len(part)]
        if not self.windows:
            raise DataError(
                "There is no window to train on.",
                remedy="Prepare data with `matey prepare`, or use a shorter history.",
            )
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world = world
        self.step = 0
        self.augment = augment
        self.targets = targets
        self.whole_epochs = whole_epochs
        counts = np.array([len(part) for part in self.windows])
        names = [part.store.name for part in self.windows]
        self.weights = weights_of(names, counts.tolist(), exponent=exponent, given=weights)
        if whole_epochs:
            self.shares = -(-counts // batch_size)
        else:
            batches = -(-int(counts.sum()) // batch_size)
            batches = max(batches, int(np.count_nonzero(self.weights)))
            self.shares = shares_of(self.weights, batches)
        self.changes = [mean_change(part) for part in self.windows] if with_change else None
        is_moved = by_change and not whole_epochs
        self._starts = [Starts(part) for part in self.windows] if is_moved else None
        self._order = lru_cache(maxsize=2)(self._make_order)

    @property
    def epoch_batches(self) -> int:
        """Batches of an epoch."""
        return int(self.shares.sum())

    def draw(self, step: int) -> Draw:
        """Draw the global batch of a step, without reading anything."""
        epoch, number = divmod(step, self.epoch_batches)
        order = self._order(epoch)
        store, number = int(order.stores[number]), int(order.numbers[number])
        part = self.windows[store]
        size, share = len(part), int(self.shares[store])
        if self.whole_epochs:
            first = epoch * size + number * self.batch_size
            stop = min(first + self.batch_size, (epoch + 1) * size)
        else:
            first = (epoch * share + number) * self.batch_size
            stop = first + self.batch_size
        positions = np.arange(first, stop)
        indices = self._windows_at(store, positions)
        most = part.max_leads(indices).astype(np.uint64)
        leads = noise((self.seed, LEADS, store), positions) % most
        seeds = noise((self.seed, SEEDS, store), positions) >> np.uint64(1)
        return Draw(
            store,
            indices.tolist(),
            (leads.astype(np.int64) + 1).tolist(),
            seeds.tolist(),
        )

    def batch(self, step: int) -> FieldBatch:
        """Read this process's slice of the batch of a step."""
        drawn = self.draw(step)
        size = len(drawn.indices)
        mine = slice(self.rank * size // self.world, (self.rank + 1) * size // self.world)
        leads = [self.targets(lead, step) for lead in drawn.lead_steps[mine]]
        batch = self.windows[drawn.store].batch(drawn.indices[mine], leads)
        if self.changes is not None:
            batch = replace(batch, change=self.changes[drawn.store][batch.lead_steps - 1])
        return self.augment(batch, drawn.seeds[mine]) if self.augment else batch

    def __next__(self) -> FieldBatch:
        batch = self.batch(self.step)
        self.step += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Position in the stream, and what the stream is made of."""
        epoch, position = divmod(self.step, self.epoch_batches)
        return {
            "seed": self.seed,
            "epoch": epoch,
            "position": position,
            "batch_size": self.batch_size,
            "whole_epochs": self.whole_epochs,
            "stores": self._stores(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to a position.

        Args:
            state: what `state_dict` gave, with any number of processes.

        Raises:
            CheckpointError: the position belongs to a stream of other batches.
        """
        own = self.state_dict()
        try:
            differences = list(_differences(own, state))
            step = int(state["epoch"]) * self.epoch_batches + int(state["position"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f"The position in the data is damaged, or of another version: {error!r}.",
                remedy="Start a new run.",
            ) from error
        if differences:
            raise CheckpointError(
                "The run cannot go on with other data: " + "; ".join(differences) + ".",
                remedy="Give the stores and settings that the run was started with, or start a "
                "new run.",
            )
        self.step = step

    def _make_order(self, epoch: int) -> Order:
        return order_of(self.shares, seed=self.seed, epoch=epoch)

    def _windows_at(self, store: int, positions: np.ndarray) -> np.ndarray:
        """Windows at positions of a store's endless stream of passes."""
        size = len(self.windows[store])
        passes, places = np.divmod(positions, size)
        found = np.empty_like(places)
        for number in np.unique(passes).tolist():
            chosen = passes == number
            found[chosen] = shuffled((self.seed, ORDER, store, number), places[chosen], size)
        if self._starts is None:
            return found
        return self._starts[store].moved(found, noise((self.seed, STARTS, store), positions))

    def _stores(self) -> dict[str, dict[str, int]]:
        """Windows, and batches an epoch, by name; a second store of a name has a number."""
        stores: dict[str, dict[str, int]] = {}
        for part, share in zip(self.windows, self.shares.tolist(), strict=True):
            name = part.store.name
            if name in stores:
                name = f"{name} ({len(stores) + 1})"
            stores[name] = {"windows": len(part), "batches": share}
        return stores


def _differences(own: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[str]:
    """Say in what a stream differs from the one that a state is of."""
    labels = {"seed": "the seed", "batch_size": "the batch size", "whole_epochs": "whole_epochs"}
    for key, label in labels.items():
        if state[key] != own[key]:
            yield f"{label} was {state[key]}, not {own[key]}"
    before, now = state["stores"], own["stores"]
    for name in {**before, **now}:
        if name not in now:
            yield f"store {name} is gone"
        elif name not in before:
            yield f"store {name} is new"
        elif before[name]["windows"] != now[name]["windows"]:
            yield f"{name} had {before[name]['windows']} windows, not {now[name]['windows']}"
        elif before[name]["batches"] != now[name]["batches"]:
            was, there = before[name]["batches"], now[name]["batches"]
            yield f"{name} had {was} batches an epoch, not {there}: its weight is another"
    if list(before) != list(now) and set(before) == set(now):
        yield f"the stores came in the order {', '.join(before)}, not {', '.join(now)}"
