"""What a person says about a source, read from the options of `matey prepare`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matey_core.errors import ConfigError, DataError
from matey_core.fields import BOUNDARIES, RESERVED, Boundary, can_name_a_field
from matey_core.readers import ReaderOptions

ROLES = ("sample", "time", "field")
KNOWN_DIMS = {
    "sample": "sample samples run member ensemble realization trajectory",
    "time": "time times t nt",
    "field": "field fields channel channels c",
    "x": "x nx xc lon long longitude west_east",
    "y": "y ny yc lat latitude south_north",
    "z": "z nz zc lev level altitude depth bottom_top",
}
_ROLE_OF = {name: role for role, names in KNOWN_DIMS.items() for name in names.split()}
SAID_DIMS = {
    "sample": "batch batches batch_size bs b n nsamples n_samples num_samples runs members number "
    "ensembles realizations realisation realisations trajectories traj trajs case cases simulation "
    "simulations sim sims example examples instance instances episode episodes seed seeds",
    "time": "frame frames step steps timestep timesteps time_step time_steps snapshot snapshots",
    "field": "ch component components variable variables var vars feature features",
}
"""Names that tell in `--dims`, where a person wrote them, but not in a file."""
_SAID_ROLE_OF = {name: role for role, names in SAID_DIMS.items() for name in names.split()}
IMAGE_AXES = {"h": "y", "height": "y", "w": "x", "width": "x", "d": "z", "depth": "z"}
"""Axes of an image or a volume, as a model of images names them."""
OWN_AXES = {"r", "radius", "theta", "phi", "height"}
"""Names of space axes that they keep."""
INDICES = {"i", "j", "k"}
"""Space axes of their own name, unless x, y or z are named: then one may count samples."""


@dataclass(frozen=True, slots=True)
class DimNames:
    """Names of dims: in the file → what they are, in the order they were given."""

    roles: dict[str, str]
    """`sample`, `time`, `field`, or the name of a space axis."""

    @property
    def space(self) -> dict[str, str]:
        """Space dims and the names of their axes."""
        return {name: role for name, role in self.roles.items() if role not in ROLES}


def usual_role(name: str) -> str | None:
    """What a dim of this name is nearly always: sample, time, field, x, y or z."""
    return _ROLE_OF.get(name.lower())


def named_dims(entries: Iterable[str]) -> DimNames:
    """Read `--dims`: `ROLE=NAME`, or a NAME that tells, as `time`, `lat` and `y` do.

    A space axis of a name that tells nothing is written `NAME=NAME`.

    Raises:
        ConfigError: an entry without a name, a dim or role named twice, or a lone name that
            does not tell what its dim is.
    """
    entries = tuple(entry.strip() for entry in entries)
    named = pairs("dims", entries)
    lone = named.keys() & set(entries)
    usual = _usual_roles(lone)
    roles: dict[str, str] = {}
    for left, name in named.items():
        role = usual.get(name) if left in lone else _said_role(left, name)
        if role is None:
            raise ConfigError(
                f"--dims names {name}, which may be samples, times, fields or a space axis.",
                remedy=f"Say what it is: sample={name}, time={name}, field={name}, x={name}, or "
                f"{name}={name} for a space axis of that name.",
            )
        if name in roles or role in roles.values():
            raise ConfigError(
                f"--dims says twice which dim is {role}, or what {name} is.",
                remedy="Give each dim one role, as ROLE=NAME.",
            )
        roles[name] = role
    return DimNames(roles)


def dims_of(options: ReaderOptions) -> DimNames:
    """Read `--dims` without the dim of components, which no component has.

    Raises:
        ConfigError: as `named_dims` does.
    """
    names = [entry.rpartition("=")[2].strip() for entry in options.dims]
    return named_dims(
        entry
        for entry, name in zip(options.dims, names, strict=True)
        if not name or name != options.component_dim
    )


def _usual_roles(names: Collection[str]) -> dict[str, str]:
    """What dims are that were named without a role; a name that does not tell is left out."""
    lower = {name: name.lower() for name in names}
    is_image = not {"w", "width"}.isdisjoint(lower.values())
    known = {**_SAID_ROLE_OF, **_ROLE_OF, **(IMAGE_AXES if is_image else {})}
    roles = {name: known[word] for name, word in lower.items() if word in known}
    own = OWN_AXES if set("xyz") & set(roles.values()) else OWN_AXES | INDICES
    return {name: name for name, word in lower.items() if word in own} | roles


def _said_role(left: str, name: str) -> str:
    """What `ROLE=NAME` says: other words for a role count, other names of axes are kept."""
    word = left.lower()
    role = _ROLE_OF.get(word, _SAID_ROLE_OF.get(word))
    return role if role and (left == name or role in ROLES) else left


def pairs(option: str, entries: Iterable[str]) -> dict[str, str]:
    """Read entries `A=B`; a lone `A` stands for `A=A`.

    Raises:
        ConfigError: an entry with an empty side, or the same left side twice.
    """
    found: dict[str, str] = {}
    for entry in entries:
        left, equals, right = (part.strip() for part in entry.partition("="))
        if not left or (equals and not right):
            raise ConfigError(
                f"--{option} has an entry {entry!r}; expected NAME or NAME=NAME.",
                remedy=f"Give --{option} names between commas, such as a,b=c.",
            )
        if left in found:
            raise ConfigError(f"--{option} names {left} twice.", remedy="Name it once.")
        found[left] = right or left
    return found


def boundaries(entries: Iterable[str], axes: tuple[str, ...]) -> tuple[Boundary, ...]:
    """Read `--boundary`: one for all axes, or `AXIS=BOUNDARY`; the rest is unknown.

    Raises:
        ConfigError: an axis or a boundary that does not exist.
    """
    kinds: dict[str, Boundary] = {kind: kind for kind in BOUNDARIES}
    given = pairs("boundary", entries)
    # A lone entry is for all axes that have none of their own.
    others = [kinds[kind] for axis, kind in given.items() if axis == kind and kind in kinds]
    own = {axis: kind for axis, kind in given.items() if axis != kind}
    known = own.keys() <= set(axes) and set(own.values()) <= kinds.keys()
    if not known or len(others) + len(own) < len(given) or len(others) > 1:
        raise _no_boundary(entries, axes)
    rest = others[0] if others else "unknown"
    return tuple(kinds[own[axis]] if axis in own else rest for axis in axes)


def _no_boundary(entries: Iterable[str], axes: tuple[str, ...]) -> ConfigError:
    return ConfigError(
        f"--boundary {','.join(entries)} cannot be; the axes are {', '.join(axes)} and the "
        f"boundaries {', '.join(BOUNDARIES)}.",
        remedy=f"Write it as {axes[0]}=periodic, or periodic for all axes.",
    )


def positions(
    options: ReaderOptions, shape: Mapping[str, int], known: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the coordinates of all axes: the known ones, else from 0 on with `--spacing`.

    Args:
        options: its `spacing` is one for all axes, or one for each in order; 1 if not given.
        shape: points by axis.
        known: axis → (points,) coordinates that the source has.

    Raises:
        ConfigError: the wrong number of spacings, one that is not positive, or no use for any.
    """
    given = options.spacing
    if given and not shape.keys() - known.keys():
        raise ConfigError(
            f"--spacing says how far points are apart, but the source has coordinates for "
            f"{', '.join(shape)}.",
            remedy="Leave --spacing out.",
        )
    if len(given) not in (0, 1, len(shape)) or not all(0 < s < np.inf for s in given):
        raise ConfigError(
            f"--spacing {','.join(f'{s:g}' for s in given)} does not fit the axes "
            f"{', '.join(shape)}.",
            remedy="Give one positive number for all axes, or one for each in this order.",
        )
    spacings = given * len(shape) if len(given) == 1 else given or (1.0,) * len(shape)
    return {
        axis: known[axis] if axis in known else spacing * np.arange(points, dtype=np.float64)
        for (axis, points), spacing in zip(shape.items(), spacings, strict=True)
    }


def frame_times(options: ReaderOptions, frames: int, known: np.ndarray | None) -> np.ndarray:
    """Return the times of the frames: the known ones, else from 0 on with `--time-step`.

    Raises:
        ConfigError: a step that is not positive, or no use for one.
    """
    step = options.time_step
    if known is not None and step is not None:
        raise ConfigError(
            "--time-step says how long a step takes, but the source has times.",
            remedy="Leave --time-step out.",
        )
    if step is not None and not 0 < step < np.inf:
        raise ConfigError(f"--time-step {step:g} is not positive.", remedy="Give a positive time.")
    return (step or 1.0) * np.arange(frames, dtype=np.float64) if known is None else known


def chosen(option: str, names: Iterable[str], known: Collection[str]) -> tuple[str, ...]:
    """Check that names exist.

    Raises:
        ConfigError: one does not.
    """
    names = tuple(names)
    missing = [name for name in names if name not in known]
    if missing:
        raise ConfigError(
            f"--{option} names {', '.join(missing)}; there are {', '.join(known) or 'none'}.",
            remedy=f"Name others with --{option}, or leave it out.",
        )
    return names


def check_field_names(path: Path, names: Iterable[str], axes: tuple[str, ...]) -> None:
    """Raise unless names can be those of arrays in a store, and fields' names are distinct.

    Raises:
        DataError: they cannot.
    """
    for axis in axes:
        if axis in RESERVED or not (can_name_a_field(axis) or axis.isidentifier()):
            raise DataError(
                f"{path}: {axis!r} cannot be the name of an axis.",
                remedy="Name the axis with --dims, as x=NAME.",
            )
    taken = set(axes)
    for name in names:
        if name in taken or not can_name_a_field(name):
            raise DataError(
                f"{path}: {name!r} cannot be the name of a field. Names are distinct, begin with a "
                "letter or number but not with param_, and have no slash or invisible character. "
                f"{', '.join(RESERVED)} and {', '.join(axes)} are taken.",
                remedy="Rename it, as --fields OLD=NEW.",
            )
        taken.add(name)


def check_declared(options: ReaderOptions, names: Collection[str], axes: Collection[str]) -> None:
    """Raise unless `--conserved` names fields and `--directed` axes that exist.

    Raises:
        ConfigError: one does not exist.
    """
    chosen("conserved", options.conserved, names)
    chosen("directed", options.directed, axes)
