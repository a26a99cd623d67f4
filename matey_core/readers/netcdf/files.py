"""NetCDF files: recognized by content, told apart by structure, opened through xarray."""

import importlib.util
import inspect
import os
import traceback
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from matey_core.containers.damage import reading
from matey_core.containers.filters import check_filters
from matey_core.containers.hdf5 import SIGNATURE
from matey_core.containers.links import inside
from matey_core.containers.missing import decoded, has_inexact_marks
from matey_core.containers.trial import check_metadata
from matey_core.errors import ConfigError, DataError, install_extra
from matey_core.files import version

CLASSIC = (b"CDF\x01", b"CDF\x02")
CDF5 = b"CDF\x05"
SUFFIXES = (".nc", ".nc3", ".nc4", ".cdf", ".netcdf")
ENGINES = {"scipy": "scipy", "h5netcdf": "h5netcdf", "netcdf4": "netCDF4"}
"""xarray's name of an engine → the module it needs."""
LEFT_OUT = "matey: left out"
"""Attribute of an opened dataset: what is not in it, with the reason."""
OPEN_FILES = 4
"""How many files a process keeps open between reads."""

_CAN_DO_WITHOUT = "create_default_indexes" in inspect.signature(xr.open_dataset).parameters
NO_INDEXES: dict[str, Any] = {"create_default_indexes": False} if _CAN_DO_WITHOUT else {}
"""Nothing is looked up by label here; making indexes takes as long as opening the file."""

Structure = frozenset[tuple[str, tuple[str, ...], tuple[int, ...], str]]
"""Name, dims, shape and type of every variable."""


def is_netcdf(path: Path) -> bool:
    """Whether a file is NetCDF by its content, and of no other layout that is HDF5 as well.

    Raises:
        DataError: it is named like NetCDF and is not.
    """
    if path.name.startswith(".") or not path.is_file():
        return False
    start = _start(path)
    if start.startswith((*CLASSIC, CDF5)):
        return True
    if start == SIGNATURE and _has_netcdf_signs(path):
        return True
    if path.suffix.lower() in SUFFIXES:
        raise DataError(
            f"{path} is named like NetCDF but is not, or is damaged.",
            remedy="Download it again, or move it away.",
        )
    return False


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE))
    except OSError:
        return b""


def _has_netcdf_signs(path: Path) -> bool:
    try:
        return _found_signs(path, version(path.stat()))
    except OSError:
        return False


@lru_cache(maxsize=10_000)
def _found_signs(path: Path, version: tuple[int, ...]) -> bool:
    """Whether HDF5 has NetCDF's mark, or dimension scales where The Well has none."""
    try:
        check_metadata(path)
        with h5py.File(path, "r") as file:
            if "_NCProperties" in file.attrs:
                return True
            return "t0_fields" not in list(file) and any(
                isinstance(item := inside(file, key), h5py.Dataset) and item.is_scale
                for key in file
            )
    except (OSError, KeyError, RuntimeError, ValueError):
        return False


def check_loops(path: Path) -> None:
    """Have the metadata of a file read by another process, if HDF5 is what reads it here.

    Raises:
        DataError: it cannot be read, or the HDF5 library loops or crashes on it.
    """
    with reading(path):
        if _start(path) == SIGNATURE:
            check_metadata(path)


def opened(path: Path) -> xr.Dataset:
    """Open a file, or give the one that this process has open; values stay in the file.

    Missing values are NaN, and scaled values are as they should be. Times stay numbers.

    Raises:
        DataError: it cannot be read, or has its values in other files.
        ConfigError: a package lacks.
    """
    with reading(path):
        status = path.stat()
        # A forked process must not share a file that HDF5 has open.
        return _opened(path, version(status), os.getpid())


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: Path, known: tuple[int, ...], process: int) -> xr.Dataset:
    is_hdf5 = _start(path) == SIGNATURE
    groups = _looked_through(path) if is_hdf5 else []
    engine = _engine(path)
    settings: dict[str, Any] = {"engine": engine, "cache": False, **NO_INDEXES}
    try:
        data = xr.open_dataset(path, decode_times=False, decode_timedelta=False, **settings)
        if has_inexact_marks(data):
            data = decoded(xr.open_dataset(path, decode_cf=False, **settings))
    except Exception as error:
        if engine == "scipy":
            _forget(error)
        raise
    if groups:
        data.attrs[LEFT_OUT] = f"what lies in the groups {', '.join(groups)}"
    return data


def _forget(error: Exception) -> None:
    """Close what scipy has left open, before Python does, with warnings to nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traceback.clear_frames(error.__traceback__)


def _engine(path: Path) -> str:
    start = _start(path)
    name = "h5netcdf" if start == SIGNATURE else "netcdf4" if start[:4] == CDF5 else "scipy"
    if importlib.util.find_spec(ENGINES[name]) is None:
        remedy = "pip install netCDF4" if name == "netcdf4" else install_extra("netcdf")
        raise ConfigError(f"{path} needs the package {ENGINES[name]}.", remedy=remedy)
    return name


def _looked_through(path: Path) -> list[str]:
    """List groups with something in them, beside the root.

    Raises:
        DataError: what is in the file, or its values, lie in others, which NetCDF does not know;
            or a filter lacks.
    """
    groups = []
    with h5py.File(path, "r") as file:
        for key in file:
            item = inside(file, key)
            if item is None or (
                isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
            ):
                raise DataError(
                    f"{path}: {key} lies in another file, or nowhere.",
                    remedy="Copy its values into the file.",
                )
            if isinstance(item, h5py.Dataset):
                check_filters(path, item)
            if isinstance(item, h5py.Group) and len(item):
                groups.append(key)
    return groups


def structure(path: Path) -> Structure:
    """Say what variables a file has, without reading any.

    Raises:
        DataError: it cannot be read.
        ConfigError: a package lacks.
    """
    with reading(path):
        if _start(path) != SIGNATURE:
            data = opened(path)
            return frozenset(
                (str(name), tuple(map(str, v.dims)), v.shape, str(v.dtype))
                for name, v in data.variables.items()
            )
        check_metadata(path)
        # xarray takes twenty times as long, and a folder may have thousands of files.
        with h5py.File(path, "r") as file:
            return frozenset(
                (key, _dims(item), item.shape, item.dtype.str)
                for key in file
                if isinstance(item := inside(file, key), h5py.Dataset)
            )


def _dims(item: h5py.Dataset) -> tuple[str, ...]:
    scales = [list(dim.values()) for dim in item.dims]
    return tuple(found[0].name if found else "" for found in scales)
