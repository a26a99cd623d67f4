"""What was used last, within a bound, for many threads at once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")
Key = tuple[int, Hashable]
"""Number of the owner, and what it calls the value."""


class Recent(Generic[V]):
    """Values by key; what was not used for longest goes when there is too much."""

    def __init__(self, limit: int, size: Callable[[V], int] = lambda value: 1) -> None:
        """Start empty.

        Args:
            limit: largest sum of sizes.
            size: of a value; by default every one counts as one.
        """
        self.limit = limit
        self._size = size
        self._total = 0
        self._values: OrderedDict[Key, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> V | None:
        """Give a value and count it as used; None if it is not there."""
        with self._lock:
            if (value := self._values.get(key)) is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: Key, value: V) -> None:
        """Keep a value; the newest is kept even if it is larger than the limit."""
        with self._lock:
            if (old := self._values.pop(key, None)) is not None:
                self._total -= self._size(old)
            self._values[key] = value
            self._total += self._size(value)
            while self._total > self.limit and len(self._values) > 1:
                self._total -= self._size(self._values.popitem(last=False)[1])

    def drop(self, owner: int) -> None:
        """Forget all that an owner has put here."""
        with self._lock:
            for key in [key for key in self._values if key[0] == owner]:
                self._total -= self._size(self._values.pop(key))

    def __len__(self) -> int:
        return len(self._values)
