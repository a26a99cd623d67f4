"""What a reader opens: the header of a source, and its states on demand."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from matey_core.fields import Field, FieldSpec


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
    standard_names: dict[str, str] = field(default_factory=dict)
    """What the CF conventions call fields, where the source says it."""
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
    license: str = ""
    """License of the data, where the source names one."""
    notes: tuple[str, ...] = ()
    """What a person should know: what is left out, with the reason, and what is not certain."""


class Source(ABC):
    """One opened source: its header, and its states on demand.

    It can be pickled, as it goes to worker processes; so it keeps no open file.
    """

    frames_together: int = 1
    """Frames that lie in one chunk of a file, so that whoever reads one of them reads all."""
    samples_together: int = 1
    """Samples that lie in one chunk, of a source that can read several at once."""

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

    @property
    def kept_bytes(self) -> int:
        """Bytes of frames that are kept between reads."""
        return 0

    @abstractmethod
    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in the dtype and the units of the source.

        Args:
            sample: index of the trajectory.
            start: index of the first frame.
            stop: index behind the last frame.

        Raises:
            DataError: the file cannot be read.
        """

    def read_samples(
        self, samples: range, start: int, stop: int
    ) -> Shaped[np.ndarray, "sample time c *space"]:
        """Read frames `start` to `stop` (exclusive) of several samples in a row.

        Args:
            samples: indices of the trajectories.
            start: index of the first frame.
            stop: index behind the last frame.

        Raises:
            DataError: the file cannot be read.
        """
        return np.stack([self.read(sample, start, stop) for sample in samples])

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample, in the dtype and the units of the source."""
        shape = self.header.spec.grid.shape
        return np.empty((0, *shape), self.header.dtype)
