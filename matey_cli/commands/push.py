"""Share a run with its model card."""

from typing import Annotated

import typer

from matey_cli import render
from matey_cli.next_step import name_next
from matey_cli.options import run_names

HubFolder = Annotated[
    str | None,
    typer.Option(
        "--hub",
        metavar="PATH",
        help="Folder that serves as hub.  [default: hub of matey.toml, or Hugging Face]",
        show_default=False,
    ),
]


def push(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Name or path.", autocompletion=run_names)
    ],
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Name that it gets.")],
    hub: HubFolder = None,
    data_license: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="License of the training data, for the card; by default what the stores say.",
        ),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Share the weights in float16, in half the bytes.")
    ] = False,
) -> None:
    r"""Share a run with its model card.

    Shares model, settings, scores, names of the training data, and a README.md that
    describes them. Weights are safetensors. Checkpoints, data and paths of this machine
    are not shared; a journal of many steps is shared with a thousand of them. Hugging
    Face needs the extra `hub` and `hf auth login`.

    \b
      matey push pretrain-001 me/thermals
      matey push pretrain-001 me/thermals --data-license CC-BY-4.0
      matey push pretrain-001 team/thermals --hub /shared/models
    """
    from matey_core.hubs import SCHEME, open_hub
    from matey_core.runs.project import project
    from matey_core.sharing import push as share

    here = project()
    report = share(
        run,
        name,
        open_hub(hub or here.hub),
        runs=here.runs,
        data_license=data_license,
        half=half,
    )
    if not render.emit(report):
        render.facts(
            f"Shared {report.url}",
            files=", ".join(report.files),
            size=render.size(report.num_bytes),
        )
        name_next("pull", f"{SCHEME}{report.name}", *(["--hub", hub] if hub else []))
