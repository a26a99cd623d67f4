"""Dims of arrays: as a person names them, and of arrays with fewer, as their sizes tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from matey_core.readers import ReaderOptions
from matey_core.readers._options import dims_of, pairs
from matey_core.readers.hdf5.places import place_of
from matey_core.readers.netcdf.components import MOST_COMPONENTS

COMPONENT = "component"
"""Name that is proposed for the dim of a vector's components."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayDims:
    """Names of the dims of a field, in order."""

    names: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """Those that a field may lack: samples, times and components."""
    sample: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    """Dim and what it is: `sample`, `time`, `field`, or a space axis."""
    entries: tuple[str, ...] = ()
    """As they were written, with their roles."""

    @classmethod
    def of(cls, options: ReaderOptions) -> "ArrayDims":
        """Take what a person says.

        Raises:
            ConfigError: a dim is named twice, or it is not known what one is.
        """
        names = tuple(pairs("dims", options.dims).values())
        roles = dims_of(options).roles
        known = tuple(roles.items())
        if "field" in roles.values():
            return cls(names=names, roles=known, entries=options.dims)
        others = [name for name in names if roles.get(name) in ("sample", "time", None)]
        sample = next((name for name in names if roles.get(name) == "sample"), "")
        return cls(
            names=names,
            optional=tuple(others),
            sample=sample,
            roles=known,
            entries=options.dims,
        )

    def placed(self, name: str, shape: tuple[int, ...], sizes: Mapping[str, int]) -> str:
        """The dim that an array has the positions along, as `t` along `time`; empty if none."""
        place = place_of(name)
        dims = [
            dim for dim, role in self.roles if place == role and role not in ("sample", "field")
        ]
        return dims[0] if dims and shape == (sizes.get(dims[0]),) else ""

    def of_shape(self, shape: tuple[int, ...], sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Say which dims an array with fewer has; none if its sizes leave it open.

        Args:
            shape: of the array.
            sizes: dim → points.
        """
        found: list[tuple[str, ...]] = []
        if self.sample and shape == (sizes.get(self.sample),):
            found.append((self.sample,))
        for count in range(1, len(self.optional) + 1):
            for left in combinations(self.optional, count):
                kept = tuple(name for name in self.names if name not in left)
                if shape == tuple(sizes.get(name) for name in kept):
                    found.append(kept)
        return found[0] if len(found) == 1 else ()

    def with_components(self, shape: tuple[int, ...], sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Write the `--dims` of an array with one more, were it a vector; none if unclear."""
        expected = tuple(sizes.get(name) for name in self.names)
        places = [
            place
            for place, points in enumerate(shape)
            if 1 < points <= MOST_COMPONENTS and shape[:place] + shape[place + 1 :] == expected
        ]
        if len(places) != 1:
            return ()
        return (*self.entries[: places[0]], COMPONENT, *self.entries[places[0] :])
