"""PDEBench: files of the benchmark in all their layouts, told apart by content."""

from collections.abc import Collection
from pathlib import Path

import h5py

from matey_core.containers.hdf5 import is_hdf5, is_netcdf, is_well, open_hdf5
from matey_core.errors import DataError
from matey_core.readers import READERS, Reader, Source
from matey_core.readers._find import find_hdf5
from matey_core.readers.pdebench import grouped, incompressible, stacked
from matey_core.readers.pdebench.names import stem

LAYOUTS = (incompressible, stacked, grouped)
KNOWN = (
    "groups of samples (0000/data, 0000/grid)",
    "stacked flow (density, pressure, Vx, …, x-coordinate, t-coordinate)",
    "stacked scalars (tensor, x-coordinate, t-coordinate)",
    "Darcy flow (nu, tensor, x-coordinate, y-coordinate)",
    "incompressible flow (velocity, particles, force, t)",
)


@READERS.register("pdebench")
class PdebenchReader(Reader):
    """HDF5 files of PDEBench, whatever their name."""

    def stem(self, name: str) -> str:
        """A file's name without an HDF5 suffix; other dots, as in `Nu0.5`, stay."""
        return stem(name)

    def recognizes(self, path: Path) -> bool:
        """Whether a file is HDF5 and has one of PDEBench's layouts.

        NetCDF-4 and The Well's files are HDF5 too, and not meant.
        """
        if not path.is_file():
            return False
        try:
            if not is_hdf5(path):
                return False
            with open_hdf5(path) as file:
                if is_netcdf(file) or is_well(file):
                    return False
                found = [layout for layout in LAYOUTS if layout.accepts(file)]
                # A plain file may have a density as well, but not without coordinates.
                return bool(found) and (found[0] is not stacked or stacked.is_placed(file))
        except DataError:
            return False

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List the HDF5 files in `folder` and below, or `folder` itself if it is one."""
        return find_hdf5(folder, exclude)

    def open(self, path: Path) -> Source:
        """Read the header of a file.

        Raises:
            DataError: the file is damaged, or its layout is unknown or incomplete.
        """
        with open_hdf5(path) as file:
            for layout in LAYOUTS:
                if layout.accepts(file):
                    return layout.open_source(path, file)
            raise DataError(
                f"{path} has no layout of PDEBench. Found: {_keys(file)}. "
                f"Known: {'; '.join(KNOWN)}.",
                remedy="Move the file away, or convert it to one of these layouts.",
            )


def _keys(file: h5py.File) -> str:
    keys = list(file)
    more = f", and {len(keys) - 12} more" if len(keys) > 12 else ""
    return (", ".join(keys[:12]) + more) or "nothing (the file is empty)"
