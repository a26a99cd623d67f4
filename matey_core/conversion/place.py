"""Where a store is written: what a folder and a prefix in object storage have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

PARTIAL = ".partial"
"""Added to the name of a store: folder of what is not complete."""
JOURNAL = "journal.jsonl"
PLAN = "plan.json"


class ChunkFile(Protocol):
    """A file that is being written."""

    def write(self, content: memoryview) -> int:
        """Take some or all of `content`, and tell how much."""

    def close(self) -> None:
        """Write what is left."""


class StorePlace(ABC):
    """Files of an unfinished store, notes beside them, and the step that makes it a store.

    It can be pickled, as it goes to worker processes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        """The store's final name."""
        self.partial = path.with_name(path.name + PARTIAL)
        """Folder of what must not outlive the work."""

    @property
    @abstractmethod
    def chunks(self) -> Path:
        """Folder of the store's own files until it is complete."""

    patience: ClassVar[float] = 0.0
    """Seconds for which lines of the journal are collected, as writing them has a price."""

    @abstractmethod
    def create(self, name: str, *, past_cache: bool = False) -> "ChunkFile":
        """Open a file of the store for writing.

        Args:
            name: of the file, below the store.
            past_cache: whether the store is so large that it need not stay in memory.
        """

    def read(self, name: str) -> bytes | None:
        """A whole file of the store; None if there is none."""
        try:
            return self.chunks.joinpath(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    @abstractmethod
    def note(self, name: str, text: str) -> None:
        """Write a note, whole or not at all."""

    def noted(self, name: str) -> str | None:
        """Read a note; None if there is none."""
        try:
            return (self.partial / name).read_text()
        except FileNotFoundError:
            return None

    @abstractmethod
    def append(self, lines: Iterable[str]) -> None:
        """Add lines to the journal."""

    @abstractmethod
    def journal(self) -> list[str]:
        """All complete lines of the journal."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all that was written, not the store that is there already."""

    @abstractmethod
    def start_over(self) -> None:
        """Make room for new files."""

    @abstractmethod
    def publish(self, metadata: dict[str, bytes]) -> None:
        """Write the metadata and give the store its name, in one step; remove the notes."""

    @abstractmethod
    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from writing the same store meanwhile.

        Raises:
            RunError: another process writes it.
        """
