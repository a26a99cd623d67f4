"""Copy a shared run into the folder of runs."""

from typing import Annotated

import typer

from matey_cli import render
from matey_cli.commands.push import HubFolder
from matey_cli.next_step import name_next


def pull(
    shared: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="Shared run, also as hub:OWNER/NAME.")
    ],
    hub: HubFolder = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Name of the new run's folder.  [default: OWNER--NAME]"),
    ] = None,
) -> None:
    r"""Copy a shared run into the folder of runs.

    Nothing in it is executed: weights are safetensors, and everything is checked when it
    is read. Other commands take hub:OWNER/NAME wherever they take a run, and pull it
    themselves.

    \b
      matey pull me/thermals
      matey pull team/thermals --hub /shared/models --name thermals
      matey rollout hub:me/thermals --data data
    """
    from matey_core.errors import ConfigError
    from matey_core.hubs import checked_name, open_hub
    from matey_core.hubs.pulling import pull as fetch
    from matey_core.runs.folder import NAME
    from matey_core.runs.project import project

    if name is not None and not NAME.fullmatch(name):
        raise ConfigError(
            f"--name {name!r} cannot be the name of a run: letters, digits, '-', '_' and '.' are "
            "allowed.",
            remedy="Choose another --name.",
        )
    here, shared = project(), checked_name(shared)
    place = fetch(shared, open_hub(hub or here.hub), runs=here.runs, folder=name)
    if not render.emit({"run": place}):
        render.facts(f"Wrote {place}")
        name_next("info", place.name, runs=place.parent)
