"""Files and folders of plain arrays, opened as datasets with the dims that a person names."""

import os
import warnings
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from matey_core.containers.damage import reading
from matey_core.containers.lazy import Stored
from matey_core.containers.missing import decoded
from matey_core.containers.npy import is_npy, is_npz, open_npy, open_npz
from matey_core.containers.zarr import inner_groups, open_zarr
from matey_core.errors import ConfigError, DataError
from matey_core.files import version
from matey_core.readers._find import is_zarr
from matey_core.readers.array.folders import files_of, open_fields, steps_beside
from matey_core.readers.array.ranks import COMPONENT, ArrayDims
from matey_core.readers.netcdf.dims import is_floating
from matey_core.readers.netcdf.files import LEFT_OUT

SUFFIXES = (".npy", ".npz")
OPEN_FILES = 4
"""How many files a process keeps open between reads."""
MASK = np.dtype(np.float32)
"""Type that truth values beside the fields, such as obstacles, are read as."""
EXAMPLE = "--dims sample,time,y,x or --dims time,field,x"


def is_array(path: Path) -> bool:
    """Whether a file or folder holds arrays, by content.

    Raises:
        DataError: a file is named like one and is none.
    """
    if path.is_dir():
        return is_zarr(path)
    if not path.is_file():
        return False
    if is_npy(path) or is_npz(path):
        return True
    if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
        raise DataError(
            f"{path} is named like NumPy's files but is none, or is damaged.",
            remedy="Save it again with numpy.save, or move it away.",
        )
    return False


def has_known_dims(path: Path) -> bool:
    """Whether the arrays of a file say what their dims are."""
    found = arrays(path)
    stored = [found] if isinstance(found, Stored) else list(found.values())
    return any(array.dims for array in stored)


def arrays(path: Path) -> Stored | dict[str, Stored]:
    """Open a file: one array without a name, or several with.

    Raises:
        DataError: it cannot be read.
    """
    with reading(path), warnings.catch_warnings():
        # zarr tells of types whose specification may change; fields have none of them.
        warnings.simplefilter("ignore")
        if path.is_dir():
            return open_zarr(path) if is_array(path) else open_fields(path)
        return open_npy(path) if is_npy(path) else open_npz(path)


def opened(path: Path, *, dims: ArrayDims, name: str) -> xr.Dataset:
    """Open a file, or give the one that this process has open; values stay in the file.

    Args:
        path: the file or folder.
        dims: names of all dims in order, or of some that the arrays name themselves.
        name: what to call an array that has no name.

    Raises:
        DataError: it cannot be read, or has no floating array with these dims.
        ConfigError: dims are neither given nor known.
    """
    with reading(path):
        is_one = path.is_dir() and is_array(path)
        known = [file.stat() for file in ((path,) if is_one else files_of(path))]
        versions = (*map(version, known), (os.getpid(),))
    return _opened(path, dims, name, versions)


@lru_cache(maxsize=OPEN_FILES)
def _opened(
    path: Path, dims: ArrayDims, name: str, versions: tuple[tuple[int, ...], ...]
) -> xr.Dataset:
    found = arrays(path)
    stored = {name: found} if isinstance(found, Stored) else found
    named = [array.dims for array in stored.values() if array.dims is not None]
    is_group = path.is_dir() and isinstance(found, dict)
    if is_group and len(named) == len(stored) and set(dims.names) <= set(chain(*named)):
        return _group(path, stored).assign_attrs(_left_out(path, {}, dims, {}))
    sizes = _sizes(stored, dims.names)
    variables = _variables(stored, dims)
    if not any(is_floating(v) and v.ndim for n, v in variables.items() if n not in v.dims):
        raise _nothing(path, stored, dims.names)
    _check_sizes(path, variables)
    placed = {name for name, array in stored.items() if dims.placed(name, array.shape, sizes)}
    left = {name: array for name, array in stored.items() if name not in {*variables, *placed}}
    steps, unread = steps_beside(path, dims.names)
    known = {name: xr.Variable((), step) for name, step in steps.items() if name not in stored}
    return xr.Dataset(known | variables, attrs=_left_out(path, left, dims, sizes, unread))


def _left_out(
    path: Path,
    arrays: dict[str, Stored],
    dims: ArrayDims,
    sizes: dict[str, int],
    unread: str = "",
) -> dict[str, str]:
    """Name the arrays that cannot have the dims, and groups in a group, with the reason."""
    parts = []
    vectors = {name: d for name, a in arrays.items() if (d := dims.with_components(a.shape, sizes))}
    for entries in dict.fromkeys(vectors.values()):
        shown = _listed({name: arrays[name] for name, d in vectors.items() if d == entries})
        parts.append(
            f"{shown}, with a dim more (--dims {','.join(entries)} --component-dim {COMPONENT} "
            "reads the components of a vector)"
        )
    if others := {name: array for name, array in arrays.items() if name not in vectors}:
        names = ", ".join(dims.names) or "dims that have names"
        parts.append(f"{_listed(others)}, not numbers on {names}")
    if path.is_dir() and (groups := inner_groups(path)):
        parts.append(f"what lies in the groups {', '.join(groups)}")
    parts += [unread] if unread else []
    return {LEFT_OUT: "; ".join(parts)} if parts else {}


def _listed(arrays: dict[str, Stored]) -> str:
    return ", ".join(f"{name} {a.shape} {a.dtype}" for name, a in arrays.items())


def _group(path: Path, stored: dict[str, Stored]) -> xr.Dataset:
    """Open a group whose arrays name their dims: xarray knows what its attributes say."""
    with reading(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = xr.open_dataset(
            path, engine="zarr", consolidated=False, cache=False, decode_cf=False
        )
        for name, variable in data.variables.items():
            # Zarr 2 fills with 0 if nobody says otherwise; zeros are values, not missing ones.
            if stored[str(name)].is_filled_with_zeros:
                variable.attrs.pop("_FillValue", None)
        data = decoded(data)
    return data[sorted(map(str, data.data_vars))]


def _variables(stored: dict[str, Stored], dims: ArrayDims) -> dict[str, xr.Variable]:
    """Arrays with as many dims as were named; beside them coordinates, numbers and masks."""
    found = {}
    names = dims.names
    sizes = _sizes(stored, names)
    for name, array in stored.items():
        rank = len(array.shape)
        if array.dims is not None and set(names) <= set(array.dims):
            found[name] = array.variable(array.dims)
        elif array.dtype.kind in "fiu" and rank == len(names):
            found[name] = array.variable(names)
        elif array.dtype.kind in "fiu" and (rank == 0 or (rank == 1 and name in names)):
            found[name] = array.variable((name,) * rank)
        elif (
            array.dtype.kind in "fiu"
            and (dim := dims.placed(name, array.shape, sizes))
            and dim not in stored
        ):
            found[dim] = array.variable((dim,))
        elif array.dtype.kind in "fiub" and (fewer := dims.of_shape(array.shape, sizes)):
            is_mask = array.dtype.kind == "b"
            found[name] = (array.as_type(MASK) if is_mask else array).variable(fewer)
    return found


def _sizes(stored: dict[str, Stored], names: tuple[str, ...]) -> dict[str, int]:
    """Points by dim, as the first array with all dims has them."""
    whole = [a for a in stored.values() if a.dtype.kind in "fiu" and len(a.shape) == len(names)]
    return dict(zip(names, whole[0].shape, strict=True)) if whole else {}


def _check_sizes(path: Path, variables: dict[str, xr.Variable]) -> None:
    sizes: dict[Any, tuple[str, int]] = {}
    for name, variable in variables.items():
        for dim, size in zip(variable.dims, variable.shape, strict=True):
            first, expected = sizes.setdefault(dim, (name, size))
            if size != expected:
                raise DataError(
                    f"{path}: {dim} has {expected} points in {first} and {size} in {name}.",
                    remedy="Put arrays of different shapes into files of their own.",
                )


def _nothing(path: Path, stored: dict[str, Stored], dims: tuple[str, ...]) -> Exception:
    shown = _listed(dict(list(stored.items())[:12])) or "nothing"
    if not dims:
        return ConfigError(
            f"{path} does not say what its dims are; it holds {shown}.",
            remedy=f"Name all dims in order, such as {EXAMPLE}.",
        )
    return DataError(
        f"{path} has no array of a floating type with the dims {', '.join(dims)}; it "
        f"holds {shown}.",
        remedy=f"Name all dims in order, such as {EXAMPLE}; convert whole numbers to float32.",
    )
