"""Dims of arrays: as a person names them, as sizes tell, and components along one."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from matey_core.errors import ConfigError
from matey_core.quantities import known_field
from matey_core.readers import ReaderOptions
from matey_core.readers._options import ROLES, named_dims, pairs

XYZ = ("x", "y", "z")


def roles_of(dims: Sequence[str], options: ReaderOptions) -> dict[str, str]:
    """Dims in order → what they are; components are `field`, whether of a vector or not.

    Raises:
        ConfigError: `--component-dim` is none of the dims, or there are two dims of components.
    """
    dim = options.component_dim
    roles = named_dims(entry for entry in dims if entry.rpartition("=")[2].strip() != dim).roles
    if not dim or not dims:
        return roles
    names = list(pairs("dims", dims).values())
    if dim not in names or "field" in roles.values():
        raise ConfigError(
            f"--component-dim {dim} with --dims {','.join(dims)}: it names one of the dims, and no "
            "other is a dim of fields.",
            remedy=f"Name all dims in order, such as --dims time,y,x,{dim} --component-dim {dim}.",
        )
    return {name: roles.get(name, "field") for name in names}


def fitting(
    shape: tuple[int, ...], dims: Sequence[str], sizes: Mapping[str, int]
) -> tuple[str, ...] | None:
    """Dims of an array that lacks some of the roles, told by sizes; None if none or several fit."""
    roles = [dim for dim in dims if dim in ROLES]
    found: list[tuple[str, ...]] = []
    for dropped in (set(d) for n in range(len(roles) + 1) for d in combinations(roles, n)):
        kept = tuple(dim for dim in dims if dim not in dropped)
        known = {**sizes, "field": None}
        alike = [known.get(d) in (None, n) for d, n in zip(kept, shape, strict=False)]
        if len(kept) == len(shape) and all(alike):
            if dropped <= {"field"}:
                return kept
            found.append(kept)
    return found[0] if len(found) == 1 else None


def component_names(
    name: str, counts: Sequence[int], axes: Sequence[str], *, is_tensor: bool
) -> tuple[str, ...]:
    """Names of components: by axis if it is a vector or a tensor, else by number.

    Args:
        name: of the array.
        counts: components along each dim of them; none for a scalar.
        axes: of space, in the order of the array.
        is_tensor: whether the layout says that components lie along axes.
    """
    if all(count == 1 for count in counts):
        return (name,)
    cartesian = sorted(axes) if {*axes} <= {*XYZ} else list(axes)
    letters = cartesian if counts[0] == len(axes) else list(XYZ)
    fits = all(count == len(letters) for count in counts)
    if fits and (is_tensor or known_field(f"{name}_{letters[0]}").component):
        suffixes = ["".join(letters[i] for i in index) for index in np.ndindex(*counts)]
        return tuple(f"{name}_{suffix}" for suffix in suffixes)
    return tuple(f"{name}{index}" for index in range(int(np.prod(counts))))
