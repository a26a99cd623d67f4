"""An array in a file, and how xarray asks it for a part."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

CHUNKS = "chunksizes"
"""What xarray calls the chunks of a file in the encoding of a variable."""


class Lazy(BackendArray):
    """Reads what a basic index asks for."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, read: Callable[[Any], Any]) -> None:
        self.shape = shape
        self.dtype = dtype
        self._read = read

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read a part."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self.part
        )

    def converted(self, dtype: np.dtype) -> "Lazy":
        """Read as another type."""
        return Lazy(self.shape, dtype, lambda key: self.part(key).astype(dtype))

    def part(self, key: Any) -> np.ndarray:
        """Read a part by a basic index."""
        return np.asarray(self._read(key))


@dataclass(frozen=True, slots=True)
class Stored:
    """One array of a file."""

    values: Any
    """NumPy's, or a `Lazy`."""
    dims: tuple[str, ...] | None = None
    """Where the file names them."""
    attributes: dict[str, Any] = field(default_factory=dict)
    is_filled_with_zeros: bool = False
    """Whether Zarr 2 gives zeros where nothing was written."""
    chunks: tuple[int, ...] | None = None
    """Points by dim of what is read at once."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Points by dim."""
        return tuple(self.values.shape)

    @property
    def dtype(self) -> np.dtype:
        """Type in the file."""
        return np.dtype(self.values.dtype)

    def as_type(self, dtype: np.dtype) -> "Stored":
        """Read as another type; values stay where they are."""
        values = self.values
        lazy = (
            values if isinstance(values, Lazy) else Lazy(self.shape, self.dtype, values.__getitem__)
        )
        return replace(self, values=lazy.converted(dtype))

    def part(self, key: tuple[Any, ...]) -> np.ndarray:
        """Read a part by a basic index."""
        values = self.values
        return values.part(key) if isinstance(values, Lazy) else np.asarray(values[key])

    def check(self) -> None:
        """Ask for no values, so that what cannot be read is known before any is."""
        self.part((slice(0, 0),) * len(self.shape))

    def variable(self, dims: tuple[str, ...]) -> xr.Variable:
        """Give the array its dims; values stay where they are."""
        values = self.values
        if isinstance(values, Lazy):
            values = indexing.LazilyIndexedArray(values)
        return xr.Variable(dims, values, self.attributes, {CHUNKS: self.chunks})
