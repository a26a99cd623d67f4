"""NetCDF: any CF-like file, or a folder with one file a trajectory."""

from collections.abc import Hashable
from pathlib import Path
from typing import ClassVar

from matey_core.readers import READERS
from matey_core.readers.netcdf.files import check_loops, is_netcdf, structure
from matey_core.readers.netcdf.folders import FileReader
from matey_core.readers.netcdf.header import open_dataset
from matey_core.readers.netcdf.source import DatasetSource


@READERS.register("netcdf")
class NetcdfReader(FileReader):
    """NetCDF-3 and NetCDF-4, told by content; dims and fields by CF, by name or by options."""

    name: ClassVar[str] = "netcdf"
    kind: ClassVar[str] = "NetCDF"

    def is_one(self, path: Path) -> bool:
        """Whether a file is NetCDF by its content."""
        return is_netcdf(path)

    def structure(self, path: Path) -> Hashable:
        """Say what variables a file has."""
        return structure(path)

    def open_file(self, path: Path) -> DatasetSource:
        """Read the header of a file."""
        check_loops(path)
        return open_dataset(path, self.options)
