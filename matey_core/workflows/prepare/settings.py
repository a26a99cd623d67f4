"""Settings of `matey prepare`."""

from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.conversion.encoding import Compression, Precision
from matey_core.conversion.view import Method, Selection
from matey_core.locations import Location
from matey_core.readers import ReaderOptions
from matey_core.store.writer import Storage


class PrepareConfig(Config):
    """What to convert, where to, and how."""

    reader: str = "pdebench"
    """Layout of the sources."""
    source: Path = Path("data")
    """A file, or a folder that is searched with all below it."""
    out: Location | None = None
    """Folder or URL for the stores; by default the folder `zarr` in or beside the source."""
    limit: PositiveInt | None = None
    """Take at most this many samples of each source, the first ones."""
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of train, validation and test trajectories."""
    seed: NonNegativeInt = 0
    """Decides which trajectory goes where."""
    overwrite: bool = False
    """Convert again what is there already."""
    dry_run: bool = False
    """Show what would be converted, and stop."""

    dims: tuple[str, ...] = ()
    """Names of dims, as NAME or ROLE=NAME with the roles sample, time and field, such as
    sample=run,time=t,z,x; of a plain array all of them, in order."""
    fields: tuple[str, ...] = ()
    """Variables that are fields, as NAME or VARIABLE=NAME, such as h=height,uwnd=velocity_x."""
    derive: tuple[str, ...] = ()
    """An expression that makes a field, such as 'theta = theta + hy_theta'; may be repeated."""
    boundary: tuple[str, ...] = ()
    """AXIS=BOUNDARY for each axis, such as x=periodic,z=no_slip, or one boundary for all axes."""
    time_step: PositiveFloat | None = None
    """Time between frames, where the source has no times."""
    spacing: tuple[PositiveFloat, ...] = ()
    """Distance between points, where the source has no coordinates: 0.1 or 0.1,0.2."""
    directed: tuple[str, ...] = ()
    """Axes along which mirroring changes the physics, such as z for gravity."""
    conserved: tuple[str, ...] = ()
    """Fields whose mean over space must not change in time."""

    stride: PositiveInt = 1
    """Take every so many-th frame."""
    crop: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """Take part of space: of each axis the first point and the one after the last, such as
    x=0:64,y=16:80."""
    downsample: tuple[PositiveInt, ...] = ()
    """Points that become one: 2 along every axis, or 2,1 axis by axis."""
    downsample_method: Method = "auto"
    """Means of cells, or Fourier modes; `auto` takes modes where periodic, means elsewhere."""

    dtype: Precision = "source"
    """Precision of the values in the store."""
    compress: Compression = "none"
    """Compression of the values."""
    chunk: PositiveInt | None = None
    """Frames of a chunk; by default as many as 8 MiB hold, compressed 128 KiB or one."""
    allow_missing: bool = False
    """Let NaN stand for cells that are solid or missing."""

    workers: PositiveInt | None = None
    """Processes that convert; by default one a core."""
    memory: PositiveInt | None = None
    """Memory that all of them together may take, in bytes; by default a quarter of the
    machine's."""
    dask: str | None = None
    """Address of a dask scheduler whose cluster converts instead."""
    check: bool = True
    """Look for faults in what was converted."""

    @property
    def stores(self) -> Path:
        """Folder of the stores."""
        folder = self.source.parent if self.source.is_file() else self.source
        return self.out or folder / "zarr"

    @property
    def options(self) -> ReaderOptions:
        """Options of the reader."""
        return ReaderOptions(**{k: getattr(self, k) for k in ReaderOptions.__dataclass_fields__})

    @property
    def selection(self) -> Selection:
        """What is taken of each source."""
        return Selection(
            stride=self.stride,
            crop=self.crop,
            downsample=self.downsample,
            method=self.downsample_method,
        )

    @property
    def storage(self) -> Storage:
        """How values are stored."""
        return Storage(
            precision=self.dtype,
            compression=self.compress,
            chunk=self.chunk,
            allow_missing=self.allow_missing,
        )

    def decisive(self) -> dict[str, Any]:
        """Settings that decide what a store holds, as plain values, without the defaults."""
        names = (
            *ReaderOptions.__dataclass_fields__,
            *("stride", "crop", "downsample", "downsample_method"),
            *("dtype", "compress", "chunk", "allow_missing"),
        )
        return self.model_dump(mode="json", include=set(names), exclude_defaults=True)
