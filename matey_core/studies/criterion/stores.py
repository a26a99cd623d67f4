"""On which stores, trajectories and windows criteria are compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.fields import Grid
from matey_core.models import Model
from matey_core.runs.store_choice import Hindrance, choose, hindrance_of
from matey_core.store import Store
from matey_core.studies.criterion.settings import CriterionConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWindows:
    """A store, and the windows of it that are audited."""

    windows: Windows
    chosen: tuple[int, ...]
    """Indices of the windows, equally many of every trajectory."""
    lead: int

    def batches(self, size: int) -> Iterator[tuple[FieldBatch, list[int]]]:
        """Go through the windows; with each batch, the trajectory of every window."""
        for start in range(0, len(self.chosen), size):
            indices = self.chosen[start : start + size]
            batch = self.windows.batch(indices, [[self.lead]] * len(indices))
            yield batch, [self.windows.place(index)[0] for index in indices]


def audit_windows(
    config: CriterionConfig,
    stores: list[Store],
    model: Model | None,
    *,
    history: int,
    side: Callable[[Grid], int],
) -> tuple[list[AuditWindows], dict[str, str]]:
    """Take every store asked for, or every one that fits; say why the others are not.

    Args:
        config: what is asked for.
        stores: what there is.
        model: has to know a store's fields, if there is a model.
        history: frames of a history.
        side: from a grid to the points per axis of a coarse cell.

    Raises:
        ConfigError: a store asked for does not exist, does not fit, or is one of two of its
            name.
        DataError: no store fits.
    """
    taken, skipped = choose(
        [store.giving(model.given_scales) for store in stores] if model else stores,
        config.store,
        lambda store: _hindrance(config, store, model, history=history, side=side),
        done="looked at",
    )
    return [_windows(config, store, history=history) for store in taken], skipped


def _windows(config: CriterionConfig, store: Store, *, history: int) -> AuditWindows:
    samples = _samples(config, store)[: config.samples]
    windows = Windows(store, samples, history=history, max_lead=config.lead)
    count = min(config.windows, windows.per_sample)
    numbers = np.linspace(0, windows.per_sample - 1, count).round().astype(int).tolist()
    chosen = [
        row * windows.per_sample + number for row in range(len(samples)) for number in numbers
    ]
    return AuditWindows(windows=windows, chosen=tuple(chosen), lead=config.lead)


def _samples(config: CriterionConfig, store: Store) -> tuple[int, ...]:
    return tuple(range(store.num_samples)) if config.split == "all" else store.samples(config.split)


def _hindrance(
    config: CriterionConfig,
    store: Store,
    model: Model | None,
    *,
    history: int,
    side: Callable[[Grid], int],
) -> Hindrance | None:
    """Why a store cannot be used; None where it can."""
    grid = store.spec.grid
    if model is not None and (strange := hindrance_of(model, store)):
        return strange
    if not _samples(config, store):
        return Hindrance(
            reason=f"it has no {config.split} trajectories",
            remedy="Choose others with --split, or name another store with --store.",
        )
    if store.num_frames < history + config.lead:
        return Hindrance(
            reason=f"its {store.num_frames} frames are fewer than a history of {history} and a "
            f"target {config.lead} later need",
            remedy="Take a smaller --history or --lead.",
        )
    if min(grid.shape) < side(grid):
        return Hindrance(
            reason=f"its grid of {'×'.join(map(str, grid.shape))} points is smaller than a cell",
            remedy="Take a smaller --patch."
            if model is None
            else "Name other stores with --store: a model has the cells that it was trained with.",
        )
    return None
