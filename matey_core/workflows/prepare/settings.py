"""Settings of `matey prepare`."""

from pathlib import Path
from typing import Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.conversion.encoding import Compression, Precision
from matey_core.conversion.view import Method, Selection
from matey_core.locations import Location
from matey_core.readers import Join, ReaderOptions, is_zarr
from matey_core.store.writer import Storage


class PrepareConfig(Config):
    """Settings of a conversion: source, stores, selection."""

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
    """Seed of the split of trajectories."""
    overwrite: bool = False
    """Convert again, and replace existing stores."""
    dry_run: bool = False
    """Show what would be converted, and stop."""

    dims: tuple[str, ...] = ()
    """Names of dims, as NAME or ROLE=NAME with the roles sample, time and field, such as
    sample=run,time=t,z,x; a plain array needs all of them, in order."""
    join: Join = "auto"
    """What the files of a folder are: each a trajectory (sample), or some times (time) or, as .npy
    files, a field (field) of one; by default what names and times tell."""
    fields: tuple[str, ...] = ()
    """Variables that are fields, as NAME or VARIABLE=NAME, such as h=height,uwnd=velocity_x; of
    plain HDF5 as NAME=PATH, such as u=train/u."""
    derive: tuple[str, ...] = ()
    """Expression that defines a field, such as 'theta = theta + hy_theta'; may be repeated."""
    component_dim: str = ""
    """Dim of the components of vectors: a variable u on it gives the fields u_x, u_y (and u_z)."""
    boundary: tuple[str, ...] = ()
    """Boundary of each axis as AXIS=BOUNDARY, such as x=periodic,z=no_slip, or one boundary for all
    axes."""
    vector: tuple[str, ...] = ()
    """Fields that are the components of a vector, such as U,V or U=x,W=z; may be repeated. `none`:
    fields that look like a vector are scalars."""
    time_step: PositiveFloat | None = None
    """Time between frames, where the source has no times."""
    spacing: tuple[PositiveFloat, ...] = ()
    """Distance between points, where the source has no coordinates: 0.1 or 0.1,0.2."""
    directed: tuple[str, ...] = ()
    """Axes along which mirroring changes the physics, such as z for gravity."""
    conserved: tuple[str, ...] = ()
    """Fields whose mean over space must not change in time."""

    stride: PositiveInt = 1
    """Distance of the frames that are kept: 2 keeps every second frame."""
    crop: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """Part of space that is kept: for each axis the first point and the one after the last, such as
    x=0:64,y=16:80."""
    downsample: tuple[PositiveInt, ...] = ()
    """Factor that divides the number of points: 2 along every axis, or 2,1 axis by axis."""
    downsample_method: Method = "auto"
    """Downsampling by means of cells or by Fourier modes (`spectral`); `auto` takes `spectral`
    along periodic axes and `mean` along others."""

    dtype: Precision = "source"
    """Precision of the values in the store."""
    compress: Compression = "none"
    """Compression of the values."""
    chunk: PositiveInt | None = None
    """Number of frames of a chunk; by default as many as fit into 8 MiB, or into 128 KiB (at least
    one) with compression."""
    allow_missing: bool = False
    """Accept NaN as the mark of solid or missing cells."""
    license: str = ""
    """License of the data, such as CC-BY-4.0; by default the one that a source names."""

    workers: PositiveInt | None = None
    """Number of processes that convert; by default one a core."""
    memory: PositiveInt | None = None
    """Memory in bytes that all processes together may use, such as 8GB; by default a quarter of the
    machine's."""
    dask: str | None = None
    """Address of a dask scheduler; its cluster converts instead of this machine."""
    check: bool = True
    """Check the stores for defects after the conversion."""

    @property
    def stores(self) -> Path:
        """Folder of the stores."""
        if not (self.source.is_file() or is_zarr(self.source)):
            return self.out or self.source / "zarr"
        beside = self.source.parent if self.source.name else Path("..")
        name = "stores" if self.source.name == "zarr" else "zarr"
        return self.out or beside / name

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
            license=self.license,
        )

    def decisive(self) -> dict[str, Any]:
        """Settings that decide what a store holds, as plain values, without the defaults."""
        names = (
            *ReaderOptions.__dataclass_fields__,
            *("stride", "crop", "downsample", "downsample_method"),
            *("dtype", "compress", "chunk", "allow_missing", "license"),
        )
        return self.model_dump(mode="json", include=set(names), exclude_defaults=True)
