"""What our own solvers write beside PDEBench's layout: fields, axes, boundaries, constants.

The root attribute `matey` is JSON; `seeds` has a seed and `parameters/NAME` a constant for each
sample. Published files have none of it.
"""

from pathlib import Path

import h5py
import numpy as np
import pydantic

from matey_core.containers.hdf5 import attributes, datasets, groups, small, text_of
from matey_core.errors import DataError
from matey_core.fields import Boundary
from matey_core.readers.pdebench import names

ATTRIBUTE = "matey"
LATEST = "latestIndex"
"""Attribute of incompressible flow that counts frames."""


class DescribedField(pydantic.BaseModel):
    """A field and the array that holds it."""

    name: str
    array: str


class FileDescription(pydantic.BaseModel):
    """What published files leave to the reader's knowledge."""

    fields: list[DescribedField]
    static_fields: list[str]
    axes: list[str]
    boundary: list[Boundary]
    directed: list[str]
    conserved: list[str]
    units: dict[str, str]


def described(file: h5py.File) -> FileDescription | None:
    """Read the description; None where there is none, or none that makes sense."""
    text = attributes(file).get(ATTRIBUTE)
    if text is None:
        return None
    try:
        found = FileDescription.model_validate_json(text_of(text))
    except pydantic.ValidationError:
        return None
    fits = len(found.axes) == len(found.boundary) == len(set(found.axes)) in (1, 2, 3)
    own = [field.name for field in found.fields] + found.static_fields
    return found if fits and found.fields and len(set(own)) == len(own) else None


def described_arrays(file: h5py.File) -> FileDescription | None:
    """Read the description if the file itself has an array for each field."""
    found = described(file)
    if found is None:
        return None
    arrays = datasets(file)
    needed = [field.array for field in found.fields] + found.static_fields
    return found if all(name in arrays for name in needed) else None


def constants(path: Path, file: h5py.File, samples: int) -> dict[str, np.ndarray]:
    """Constants that only files with a description have: name -> (sample,) float64.

    Raises:
        DataError: there is not one for each sample.
    """
    if described(file) is None:
        return {}
    plain = {name: names.number(value) for name, value in attributes(file).items()}
    values = {
        names.parameter(name): np.full(samples, number)
        for name, number in plain.items()
        if number is not None and name != LATEST
    }
    group = groups(file).get("parameters")
    for name, array in (datasets(group) if group is not None else {}).items():
        if array.shape != (samples,):
            raise DataError(
                f"{path}: parameters/{name} has shape {array.shape}; there are {samples} samples."
            )
        values[names.parameter(name)] = small(path, array).astype(np.float64)
    return values


def sample_names(path: Path, file: h5py.File, samples: int) -> tuple[str, ...]:
    """Seeds where the file has them, else the numbers of the samples."""
    seeds = datasets(file).get("seeds")
    known = small(path, seeds) if seeds is not None else np.arange(samples)
    names = tuple(str(seed) for seed in known.tolist())
    return names if len(names) == samples else tuple(str(index) for index in range(samples))
