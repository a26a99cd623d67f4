"""Options that say how a source is to be read."""

from typing import Annotated, Any

import typer

from matey_core.errors import ConfigError
from matey_core.registry import Registry

Dims = Annotated[
    str | None,
    typer.Option(
        help="Names of dims, as NAME or ROLE=NAME with the roles sample, time and field, such "
        "as sample=run,time=t,z,x; of a plain array all of them, in order."
    ),
]
Fields = Annotated[
    str | None,
    typer.Option(help="Variables that are fields, such as h or h=height,uwnd=velocity_x."),
]
Derive = Annotated[
    list[str] | None,
    typer.Option(help="An expression such as 'theta = theta + hy_theta'; may be repeated."),
]
Boundary = Annotated[
    str | None,
    typer.Option(help="One boundary for all axes, or one for each: x=periodic,z=no_slip."),
]
TimeStep = Annotated[
    float | None, typer.Option(help="Time between frames, where the source has no times.")
]
Spacing = Annotated[
    str | None,
    typer.Option(help="Distance between points, where there are no coordinates: 0.1 or 0.1,0.2."),
]
Directed = Annotated[
    str | None,
    typer.Option(help="Axes along which mirroring changes the physics, such as z for gravity."),
]
Conserved = Annotated[
    str | None, typer.Option(help="Fields whose mean over space must not change in time.")
]


def options(**given: Any) -> dict[str, Any]:
    """Turn what was typed into settings; what was not typed is left out."""
    settings = {key: value for key, value in given.items() if value is not None}
    for key in ("dims", "fields", "boundary", "directed", "conserved"):
        if key in settings:
            settings[key] = tuple(part.strip() for part in settings[key].split(","))
    if "derive" in settings:
        settings["derive"] = tuple(settings["derive"])
    if "spacing" in settings:
        settings["spacing"] = _numbers(settings["spacing"])
    return settings


def layouts() -> str:
    """The readers, with a line each, for the help."""
    readers: Registry[object] = Registry("matey_core.readers")
    width = max(map(len, readers.names()))
    lines = [f"      {name:{width}}  {readers.summary(name)}" for name in readers.names()]
    return "\n    \\b\n" + "\n".join(lines)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--spacing {text!r} is no list of numbers.", remedy="Write it as 0.1 or 0.1,0.2."
        ) from None
