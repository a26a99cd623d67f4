"""Where trajectories come from: one source layout a file, read lazily."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Shaped

from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec
from matey_core.readers._find import walk
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
    units: dict[str, str] = field(default_factory=dict)
    """Units of the coordinates, by axis, and of the times under `time`."""
    sample_times: np.ndarray | None = None
    """(sample, time) times of each sample, where they differ from sample to sample."""
    splits: tuple[str, ...] = ()
    """Train, validation or test for each sample, where the source decides it."""
    conserved: tuple[str, ...] = ()
    """Names of fields whose mean over space must not change in time."""
    directed: tuple[str, ...] = ()
    """Axes along which mirroring changes the physics, as gravity does."""
    turned: tuple[str, ...] = ()
    """Axes that run backwards in the file; positions and values are turned round."""
    notes: tuple[str, ...] = ()
    """What a person should know: what is left out, with the reason, and what is not certain."""


class Source(ABC):
    """One opened source: its header, and its states on demand.

    It can be pickled, as it goes to worker processes; so it keeps no open file.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.header = header

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, or folders of files, that the values come from."""
        return (self.path,)

    @property
    def frame_bytes(self) -> int:
        """Bytes that reading one frame takes."""
        spec = self.header.spec
        return len(spec.fields) * int(np.prod(spec.grid.shape)) * self.header.dtype.itemsize

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
                    f"The reader {type(self).__module__.rpartition('.')[2]} knows all about its "
                    f"sources and takes no --{name.replace('_', '-')}.",
                    remedy="Leave the option out, or name another reader.",
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


__all__ = ["READERS", "Header", "Reader", "ReaderOptions", "Source", "walk"]
