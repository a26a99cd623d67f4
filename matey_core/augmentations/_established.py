"""Whether a store says enough for mirrors and turns: what is not known is not done."""

from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec
from matey_core.quantities import look_alikes, tells_of_gravity


def unknown_axes(spec: FieldSpec) -> tuple[str, ...]:
    """Name the axes of which the store does not say how they begin and end, or which way is up."""
    grid = spec.grid
    return tuple(
        axis
        for axis, boundary in zip(grid.axes, grid.boundary, strict=True)
        if boundary == "unknown" and axis not in grid.directed
    )


def is_established(spec: FieldSpec) -> bool:
    """Whether the store says what its fields and axes are to mirrors and turns."""
    return not (unknown_axes(spec) or _unsaid_vectors(spec) or _unsaid_gravity(spec))


def check_established(spec: FieldSpec, augmentation: str) -> None:
    """Raise unless the store says what its fields and axes are to mirrors and turns.

    Raises:
        ConfigError: a boundary is unknown, scalars look like a vector, or there is gravity along
            no axis.
    """
    leave_out = f", or leave {augmentation} out of --augment."
    if axes := unknown_axes(spec):
        declared = ",".join(f"{axis}=KIND" for axis in axes)
        raise ConfigError(
            f"{augmentation} may change the physics of {spec.dataset}: the boundary of its "
            f"{_listed('axis', axes)} is unknown, and so is whether both ways along it are alike.",
            remedy=f"Prepare the store again with --overwrite --boundary {declared}, and with "
            f"--directed where gravity or a flow has a direction{leave_out}",
        )
    if names := _unsaid_vectors(spec):
        are = "fields {} are stored as scalars and look like components"
        is_ = "field {} is stored as a scalar and may be the component"
        found = (are if len(names) > 1 else is_).format(", ".join(names))
        raise ConfigError(
            f"{augmentation} may change the physics of {spec.dataset}: its {found} of a vector.",
            remedy="Prepare the store again with --overwrite, and with --vector "
            f"{','.join(names)} or --vector none{leave_out}",
        )
    if names := _unsaid_gravity(spec):
        raise ConfigError(
            f"{augmentation} may turn gravity upside down in {spec.dataset}: {', '.join(names)} "
            f"tells of gravity, and none of the axes {', '.join(spec.grid.axes)} is directed.",
            remedy="Prepare the store again with --overwrite --directed AXIS, such as "
            f"--directed {spec.grid.axes[0]}{leave_out}",
        )


def _unsaid_vectors(spec: FieldSpec) -> list[str]:
    """Scalars that may be components of a vector, where an axis can be mirrored or turned."""
    grid = spec.grid
    if set(grid.axes) <= set(grid.directed):
        return []
    return [name for group in look_alikes(spec.fields, axes=grid.num_axes) for name in group]


def _unsaid_gravity(spec: FieldSpec) -> list[str]:
    """Fields that tell of gravity, where no axis is said to have a direction."""
    if spec.grid.directed:
        return []
    return [field.name for field in spec.fields if tells_of_gravity(field, spec.grid.axes)]


def _listed(noun: str, names: tuple[str, ...]) -> str:
    return f"{noun if len(names) == 1 else 'axes'} {' and '.join(names)}"
