"""Stores that train nothing, because every step on them is skipped."""

from dataclasses import dataclass

from matey_core.errors import RunError
from matey_core.numbers import counted


@dataclass(slots=True)
class _Count:
    seen: int = 0
    skipped: int = 0
    others: int = 0
    """Steps on other stores that were not skipped, since the first step on this one."""

    @property
    def is_to_blame(self) -> bool:
        """Whether all its steps were skipped, while those on others were not."""
        return self.skipped == self.seen and self.others > 0


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
        if count.seen >= self.limit:
            _check(store, count)

    def check_end(self, *, steps: int, skipped: int) -> None:
        """Look at a training that has come to its end, however few steps it had.

        Args:
            steps: of the whole training, earlier starts of the run included.
            skipped: likewise.

        Raises:
            RunError: no step changed the weights, or none on a store did.
        """
        if skipped and skipped == steps:
            on = f" on {' and '.join(self._counts)}" if self._counts else ""
            raise RunError(
                f"None of {counted(steps, 'step')}{on} had a finite loss and gradient: the model "
                "is not trained.",
                remedy="Look for NaN and outliers with `matey data check`, or lower the learning "
                "rate with --learning-rate.",
            )
        if sum(count.seen for count in self._counts.values()) == steps:
            for store, count in self._counts.items():
                _check(store, count)


def _check(store: str, count: _Count) -> None:
    if count.is_to_blame:
        raise RunError(
            f"None of {counted(count.seen, 'step')} on {store} had a finite loss and gradient: "
            "it trains nothing.",
            remedy="Look for NaN and outliers in that store with `matey data check`, or take "
            f"it out with --weights {store}=0.",
        )
