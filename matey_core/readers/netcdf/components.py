"""Vectors along a dim of their components, as `u (time, y, x, 2)`: a scalar variable each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from matey_core.errors import ConfigError, DataError
from matey_core.readers._options import ROLES
from matey_core.readers.netcdf.dims import guessed_role
from matey_core.readers.netcdf.source import Opener

AXES = ("x", "y", "z")
MOST_COMPONENTS = 3
"""Of a vector."""


def opened_in_components(
    path: Path, *, opened: Opener, dim: str, named: Mapping[str, str]
) -> xr.Dataset:
    """Open a file with a variable a component in the place of each vector.

    Values stay in the file. Components are named `u_x`, `u_y` after the vector and the axes that
    it lies on, in the order of the letters.

    Args:
        path: the file.
        opened: opens it.
        dim: the dim of the components.
        named: dims → what they are, as `--dims` says.

    Raises:
        ConfigError: the file has no such dim, or it has too many points.
        DataError: a component has the name of another variable.
    """
    data = opened(path)
    if dim not in data.sizes:
        raise ConfigError(
            f"{path} has no dim {dim}; it has {', '.join(map(str, data.sizes)) or 'none'}.",
            remedy="Name another with --component-dim, or leave it out.",
        )
    if (count := data.sizes[dim]) > MOST_COMPONENTS:
        raise ConfigError(
            f"{path}: the dim {dim} has {count} points, and a vector has at most {MOST_COMPONENTS} "
            "components.",
            remedy=f"If it holds fields of several kinds, say --dims field={dim},… instead.",
        )
    variables: dict[str, xr.Variable] = {}
    for name, variable in data.variables.items():
        if dim not in variable.dims:
            variables[str(name)] = variable
        elif variable.dims != (dim,):
            axes = _axes(data, [str(other) for other in variable.dims if other != dim], named)
            names = axes if len(axes) == count else AXES
            for index in range(count):
                component = f"{name}_{names[index]}"
                if component in data.variables:
                    raise DataError(
                        f"{path} has {component} beside the components of {name}.",
                        remedy="Rename one of them, or leave --component-dim out.",
                    )
                variables[component] = variable.isel({dim: index})
    kept = {name for name in map(str, data.coords) if name in variables}
    return xr.Dataset(variables, attrs=data.attrs).set_coords(kept)


def _axes(data: xr.Dataset, dims: Sequence[str], named: Mapping[str, str]) -> list[str]:
    """Axes of space among dims, in the order of the letters."""
    roles = [named.get(dim) or guessed_role(data, dim) for dim in dims]
    return sorted(role for role in roles if role and role not in ROLES)
