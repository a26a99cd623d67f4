"""Stores that train nothing, because every step on them is skipped."""

from dataclasses import dataclass

from matey_core.errors import RunError


@dataclass(slots=True)
class _Count:
    seen: int = 0
    skipped: int = 0
    others: int = 0
    """Steps on other stores that were not skipped, since the first step on this one."""

    @property
    def is_never_used(self) -> bool:
        return self.skipped == self.seen


class SkippedStores:
    """Counts steps by store, and which of them were skipped."""

    def __init__(self, limit: int) -> None:
        """Begin to count.

        Args:
            limit: steps on a store, all of them skipped, that end the training.
        """
        self.limit = limit
        self._counts: dict[str, _Count] = {}

    def add(self, store: str, *, is_skipped: bool) -> None:
        """Count a step.

        A model that has diverged skips the steps of all stores: then none of them is to blame.

        Raises:
            RunError: all steps on the store were skipped, while those on others were not.
        """
        if not is_skipped:
            for name, other in self._counts.items():
                other.others += name != store
        count = self._counts.setdefault(store, _Count())
        count.seen += 1
        count.skipped += is_skipped
        if count.is_never_used and count.seen >= self.limit and count.others:
            raise RunError(
                f"All {count.seen} steps on {store} were skipped: its loss or its gradient was "
                "never finite.",
                remedy="Look for NaN and outliers in that store with `matey data check`, or take "
                f"it out with --weights {store}=0.",
            )
