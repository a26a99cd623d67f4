"""A group of Zarr whose arrays are handed out only if reading them can run no program."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.storage import LocalStore

from matey_core.files import check_regular
from matey_core.locations import is_remote
from matey_core.store._reading.metadata import Described, array_metadata, group_metadata
from matey_core.store._reading.safety import check_codecs, check_format, check_type
from matey_core.store._reading.texts import texts

MOST_VALUES = 2**25
"""Of an array that describes fields; more are a sign of damage."""


class StoreGroup:
    """What a group says of itself and of its arrays, and the arrays as Zarr opens them."""

    def __init__(self, path: Path) -> None:
        """Read the metadata of the group.

        Raises:
            OSError: there is none.
            ValueError: it is damaged, or of another version of Zarr.
        """
        self.path = path
        self._described = group_metadata(path)
        check_format(self._described, "it")
        # Zarr parses all that are listed, asked for or not.
        for name, found in self._listed.items():
            if found.get("node_type") != "group":
                check_codecs(found, name)
        self._group = _open(path)
        self.attributes: dict[str, Any] = self._group.attrs.asdict()

    @property
    def _listed(self) -> Mapping[str, Described]:
        """Metadata of arrays, where the group has them."""
        consolidated = self._described.get("consolidated_metadata")
        return consolidated["metadata"] if consolidated else {}

    def __contains__(self, name: str) -> bool:
        return name in self._group

    def __iter__(self) -> Iterator[str]:
        """Names of arrays, sorted."""
        return iter(sorted(self._group.array_keys()))

    def described(self, name: str) -> Described:
        """Give the metadata of an array.

        Raises:
            KeyError: there is no such array.
            TypeError: it is no array.
            ValueError: it is damaged, or has a type or a codec that stores may not have.
            OSError: it cannot be read.
        """
        if not name or "/" in name or "\\" in name or name in (".", ".."):
            raise ValueError(f"{name!r} is no name of an array")
        found = array_metadata(self.path, name, self._described)
        check_codecs(found, name)
        check_type(found, name)
        return found

    def array(self, name: str) -> "zarr.Array[Any]":
        """Open an array by Zarr.

        Raises:
            TypeError: it is a group; and all that `described` raises.
        """
        self.described(name)
        array = self._group[name]
        if not isinstance(array, zarr.Array):
            raise TypeError(f"{name!r} is no array")
        return array

    def values(self, name: str) -> np.ndarray:
        """Read a small array whole, in its own shape.

        Raises:
            ValueError: it is large; and all that `described` raises.
        """
        described = self.described(name)
        size = math.prod(described["shape"])
        if size > MOST_VALUES:
            raise ValueError(f"{name} has {size:,} values, of {MOST_VALUES:,} at most")
        if described["data_type"] == "string":
            return texts(self.path / name, described)
        return np.asarray(self.array(name)[:])


def _open(path: Path) -> zarr.Group:
    if not is_remote(path):
        return zarr.open_group(_RegularFiles(path, read_only=True), mode="r", zarr_format=3)
    from zarr.storage import FsspecStore

    options = dict(path.storage_options)  # type: ignore[attr-defined]
    store = FsspecStore.from_url(str(path), options, read_only=True)
    return zarr.open_group(store, mode="r", zarr_format=3)


class _RegularFiles(LocalStore):
    """A folder in which pipes and devices are refused; reading one may never end."""

    async def get(self, key: str, *args: Any, **options: Any) -> Any:
        """Read a file or a part of it."""
        check_regular(self.root / key)
        return await super().get(key, *args, **options)

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
        """Read parts of files."""
        wanted = list(key_ranges)
        for key, _ in wanted:
            check_regular(self.root / key)
        return await super().get_partial_values(prototype, wanted)

    def get_sync(self, key: str, **options: Any) -> Any:
        """Read a file or a part of it."""
        check_regular(self.root / key)
        return super().get_sync(key, **options)
