"""An endless, reproducible stream of training batches from many stores."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from matey_core.batches import FieldBatch
from matey_core.data.windows import Windows
from matey_core.errors import CheckpointError, ConfigError, DataError

Augment = Callable[[FieldBatch, Sequence[int]], FieldBatch]
"""(batch, one seed a sample) → batch."""
EXPONENT = 0.5
"""A store is drawn with a weight of its number of windows to this power."""


class Draw(NamedTuple):
    """What a step trains on: a store, its windows and their leads."""

    store: int
    indices: list[int]
    lead_steps: list[int]


class Mixture(Iterator[FieldBatch]):
    """Batches without end, each of one store, a function of seed and step alone.

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
        augment: Augment | None = None,
    ) -> None:
        """Set up the stream at step 0.

        Args:
            windows: the windows of each store; empty ones are left out.
            batch_size: windows of a global batch, a multiple of `world`.
            seed: decides all draws.
            rank: number of this process.
            world: number of processes.
            exponent: 0 draws all stores alike, 1 in proportion to their windows.
            augment: changes every batch; a sample's seed does not depend on `world`.

        Raises:
            ConfigError: the batch cannot be shared evenly.
            DataError: there are no windows.
        """
        if batch_size < 1 or batch_size % world:
            raise ConfigError(
                f"A batch of {batch_size} cannot be shared by {world} processes.",
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
        weights = np.array([len(part) for part in self.windows], dtype=np.float64) ** exponent
        self.weights = weights / weights.sum()

    def draw(self, step: int) -> Draw:
        """Draw the global batch of a step, without reading anything."""
        rng = np.random.default_rng((self.seed, step))
        store = int(rng.choice(len(self.windows), p=self.weights))
        part = self.windows[store]
        is_repeated = len(part) < self.batch_size
        indices = rng.choice(len(part), self.batch_size, replace=is_repeated)
        leads = rng.integers(1, part.max_lead, self.batch_size, endpoint=True)
        return Draw(store, indices.tolist(), leads.tolist())

    def batch(self, step: int) -> FieldBatch:
        """Read this process's slice of the batch of a step."""
        drawn = self.draw(step)
        share = self.batch_size // self.world
        mine = slice(self.rank * share, (self.rank + 1) * share)
        leads = [[lead] for lead in drawn.lead_steps[mine]]
        batch = self.windows[drawn.store].batch(drawn.indices[mine], leads)
        if self.augment is None:
            return batch
        seeds = np.random.SeedSequence((self.seed, step)).generate_state(self.batch_size, np.uint64)
        return self.augment(batch, [int(seed >> np.uint64(1)) for seed in seeds[mine]])

    def __next__(self) -> FieldBatch:
        batch = self.batch(self.step)
        self.step += 1
        return batch

    def state_dict(self) -> dict[str, int]:
        """Position in the stream."""
        return {"step": self.step, "seed": self.seed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to a position.

        Raises:
            CheckpointError: the position belongs to a stream with another seed.
        """
        if state["seed"] != self.seed:
            raise CheckpointError(
                f"The run drew its data with seed {state['seed']}, not {self.seed}.",
                remedy=f"Resume with seed {state['seed']}.",
            )
        self.step = state["step"]
