"""Which fields are components of a vector: by name, by `--vector`, or so it seems."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from matey_core.errors import ConfigError
from matey_core.fields import Field
from matey_core.quantities import known_fields, look_alikes
from matey_core.readers import ReaderOptions
from matey_core.readers._options import chosen, pairs

NONE = "none"
"""Entry of `--vector`: what looks like a vector and is not named is none."""
AXES = ("x", "y", "z")


def described(
    names: Sequence[str],
    options: ReaderOptions,
    axes: tuple[str, ...],
    *,
    units: Mapping[str, str],
    standard_names: Mapping[str, str],
) -> tuple[Field, ...]:
    """Describe fields by what their names tell, and by what `--vector` says.

    Raises:
        ConfigError: `--vector` names a field or an axis that does not exist, or one twice.
    """
    fields = known_fields(names, units=units, standard_names=standard_names)
    components: dict[str, str] = {}
    vectors: dict[str, str] = {}
    for entry in options.vector:
        if entry.strip().lower() == NONE:
            continue
        found = _components(entry, names, axes)
        if again := [name for name in found if name in components]:
            raise ConfigError(f"--vector names {again[0]} twice.", remedy="Name it once.")
        components |= found
        vectors |= dict.fromkeys(found, " ".join(found))
    said = tuple(
        replace(field, component=(components[field.name],), vector=vectors[field.name])
        if field.name in components
        else field
        for field in fields
    )
    if any(entry.strip().lower() == NONE for entry in options.vector):
        scalars = {name for group in look_alikes(said, axes=len(axes)) for name in group}
        said = tuple(replace(f, vector=f.name) if f.name in scalars else f for f in said)
    return said


def _components(entry: str, names: Collection[str], axes: tuple[str, ...]) -> dict[str, str]:
    """Read an entry: field → axis."""
    found = pairs("vector", entry.split(","))
    chosen("vector", found, names)
    usual = sorted(axes) if len(axes) == len(found) else list(AXES[: len(found)])
    if all(name == axis for name, axis in found.items()):
        if len(found) > len(AXES) or not set(axes) <= {*usual}:
            raise _no_axes(entry, axes)
        return dict(zip(found, usual, strict=True))
    known = set(found.values()) <= {*AXES, *axes}
    if not known or len(set(found.values())) < len(found):
        raise _no_axes(entry, axes)
    return found


def _no_axes(entry: str, axes: tuple[str, ...]) -> ConfigError:
    return ConfigError(
        f"--vector {entry} does not tell along which axes the components lie; the axes are "
        f"{', '.join(axes)}.",
        remedy=f"Write every component as FIELD=AXIS, such as U={axes[0]}.",
    )


def vector_notes(fields: Sequence[Field], axes: int) -> tuple[str, ...]:
    """Say which scalars look like components of a vector."""
    return tuple(
        f"taken for scalars, though they look like the components of a vector: "
        f"{' and '.join(names)} (--vector {','.join(names)} says that they are, --vector none that "
        "they are not)"
        if len(names) > 1
        else f"taken for a scalar: {names[0]}, which may be the component of a vector (--vector "
        f"{names[0]} says that it is, --vector none that it is not)"
        for names in look_alikes(fields, axes=axes)
    )
