"""What is handed to a model, as a dataset with names."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from matey_core.errors import ConfigError
from matey_core.runs.folder import StoreRecord

AXES = {1: ("x",), 2: ("y", "x"), 3: ("z", "y", "x")}
"""Names of space axes where nothing says how they are called."""


def as_dataset(
    data: xr.Dataset | xr.DataArray | np.ndarray,
    names: Sequence[str] | None,
    records: Sequence[StoreRecord],
) -> xr.Dataset:
    """Give names to what has none.

    Args:
        data: a dataset, one named field of one, or an array (time, field, *space).
        names: of the fields of an array, which are also those of a training store where its
            axes shall be called as there.
        records: stores that the model was trained on.

    Raises:
        ConfigError: names are missing, or do not fit the array.
    """
    if isinstance(data, xr.DataArray):
        if data.name is None:
            raise ConfigError("The DataArray has no name.", remedy="Set data.name to its field.")
        return data.to_dataset()
    if isinstance(data, xr.Dataset):
        return data
    if names is None:
        raise ConfigError(
            "An array does not say what its fields are called.",
            remedy='Name them in their order: names=("height",).',
        )
    num_axes = data.ndim - 2
    if num_axes not in AXES or data.shape[1] != len(names):
        raise ConfigError(
            f"An array of {len(names)} fields should have the shape (time, {len(names)}, *space), "
            f"with one to three axes of space, not {data.shape}."
        )
    axes = AXES[num_axes]
    for record in records:
        if set(record.fields) == set(names) and len(record.axes) == num_axes:
            axes = record.axes
    return xr.Dataset({name: (("time", *axes), data[:, i]) for i, name in enumerate(names)})
