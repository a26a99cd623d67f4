"""Where trajectories come from: one source layout a file, read lazily."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from matey_core.fields import Field, FieldSpec
from matey_core.registry import Registry

READERS: Registry[type["Reader"]] = Registry("matey_core.readers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """All that is known of a source without reading a single state."""

    spec: FieldSpec
    """The fields that change in time, and the grid."""
    static_fields: tuple[Field, ...] = ()
    """Fields with one value for all times, such as a force or a material."""
    coordinates: dict[str, np.ndarray]
    """(points,) positions along each axis of the grid."""
    times: np.ndarray
    """(time,) times of the stored frames."""
    sample_names: tuple[str, ...]
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    """(sample,) float64 constants of the equation; NaN where a sample does not give one."""
    dtype: np.dtype
    num_bytes: int
    """Size of the source, to tell how much work it is."""


class Source(ABC):
    """One opened source: its header, and its states on demand."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.header = header

    @abstractmethod
    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in the dtype of the source.

        Raises:
            DataError: the file cannot be read.
        """

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        shape = self.header.spec.grid.shape
        return np.empty((0, *shape), self.header.dtype)


class Reader(ABC):
    """One source layout: which files have it, and how to open one."""

    def stem(self, name: str) -> str:
        """A source's file name without the suffixes of this layout."""
        return Path(name).stem

    @abstractmethod
    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List the sources in `folder` and below, or `folder` itself if it is one.

        Args:
            folder: a folder or a single source.
            exclude: folders to leave out.

        Raises:
            DataError: there is none, or a file is damaged.
        """

    @abstractmethod
    def open(self, path: Path) -> Source:
        """Read the header of a source.

        Raises:
            DataError: the layout is unknown or incomplete.
        """


__all__ = ["READERS", "Header", "Reader", "Source"]
