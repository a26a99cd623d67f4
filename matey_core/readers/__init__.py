"""Where trajectories come from: one source layout a file, read lazily."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from matey_core.errors import ConfigError
from matey_core.readers._find import is_zarr, walk
from matey_core.registry import Registry
from matey_core.sources import Header, Source

READERS: Registry[type["Reader"]] = Registry("matey_core.readers")


Join = Literal["auto", "sample", "field", "time"]
"""What the files of a folder are to each other: trajectories, or fields or times of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """What a person may have to say about a source that does not say it itself."""

    dims: tuple[str, ...] = ()
    """Dims as `NAME` or `ROLE=NAME`; roles are `sample`, `time`, `field`, or the name of a
    space axis; a `NAME` that tells, as `batch` or `lat`, needs none. Of a plain array all
    dims, in order."""
    join: Join = "auto"
    """What the files of a folder are: each a trajectory (`sample`), or a field (`field`) or some
    times (`time`) of one; by default what names and times tell."""
    fields: tuple[str, ...] = ()
    """Variables that are fields, as `NAME` or `VARIABLE=NAME`, of HDF5 as `NAME=PATH`; of an array
    with a field dim the names along it."""
    derive: tuple[str, ...] = ()
    """Expressions such as `theta = theta + hy_theta`."""
    component_dim: str = ""
    """Dim of the components of vectors: `u` on it is `u_x`, `u_y`."""
    boundary: tuple[str, ...] = ()
    """`AXIS=BOUNDARY`, or one boundary for all axes."""
    vector: tuple[str, ...] = ()
    """Fields that are the components of a vector, such as `U,V` or `U=x,W=z`, an entry a vector;
    `none` for all others that look like one."""
    time_step: float | None = None
    """Time between frames, where the source has no times."""
    spacing: tuple[float, ...] = ()
    """Distance between points: one for all space axes or one for each, in order."""
    directed: tuple[str, ...] = ()
    """Axes along which mirroring changes the physics, as gravity does."""
    conserved: tuple[str, ...] = ()
    """Fields whose mean over space must not change in time."""


class Reader(ABC):
    """One source layout: which files have it, and how to open one."""

    uses: ClassVar[frozenset[str]] = frozenset()
    """Options that mean something to this layout."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        """Take the options.

        Raises:
            ConfigError: one that this layout does not use is set.
        """
        self.options = options or ReaderOptions()
        unset = ReaderOptions()
        for name in ReaderOptions.__dataclass_fields__:
            if name not in self.uses and getattr(self.options, name) != getattr(unset, name):
                raise ConfigError(
                    f"Layout {type(self).__module__.rpartition('.')[2]} takes no "
                    f"--{name.replace('_', '-')}.",
                    remedy="Leave it out, or name a layout that takes it: netcdf, array or hdf5.",
                )

    def stem(self, name: str) -> str:
        """A source's name without the suffixes of this layout."""
        return Path(name).stem

    @abstractmethod
    def recognizes(self, path: Path) -> bool:
        """Whether a file or a folder is one source of this layout, told by its content.

        Reads no states, and answers no to whatever it cannot read.
        """

    @abstractmethod
    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List the sources in `folder` and below, or `folder` itself if it is one.

        Args:
            folder: a folder or a single source.
            exclude: folders to leave out.

        Raises:
            DataError: there is none, or a file is damaged.
        """

    def advice(self, path: Path) -> str:
        """Say what may be typed to read a file that nobody recognizes; empty if nothing."""
        return ""

    @abstractmethod
    def open(self, path: Path) -> Source:
        """Read the header of a source.

        Raises:
            DataError: the layout is unknown or incomplete.
        """


__all__ = ["READERS", "Header", "Reader", "ReaderOptions", "Source", "is_zarr", "walk"]
