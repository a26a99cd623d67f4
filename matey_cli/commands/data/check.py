"""Check stores for defects."""

from typing import Annotated, Any

import typer

from matey_cli import findings, render
from matey_cli.next_step import name_next
from matey_cli.options import part_names, store_names
from matey_cli.options.setting import Setting
from matey_cli.options.values import typed
from matey_core.registry import Registry

CHECKS: Registry[Any] = Registry("matey_core.linting")


def check(
    stores: Annotated[
        list[str] | None,
        typer.Argument(
            help="Stores (by name, path or URL), or folders with stores.  [default: ./data]",
            show_default=False,
            autocompletion=store_names,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            help="Names of checks, such as finite,bounds.  [default: all]",
            autocompletion=part_names("matey_core.linting"),
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="INTEGER",
            help="Largest number of trajectories of each store to check.  [default: all]",
        ),
    ] = None,
) -> None:
    r"""Check stores for defects.

    Each store is read once. The checks find values that are not finite, physically
    impossible or changed on the disk. They find copies of trajectories, between splits
    and between the stores named together. They also find constant fields, frozen
    trajectories, uneven times, axes that are not periodic, and drift of conserved
    quantities.

    The exit code is 1 if there is an error, and 0 with only warnings and notes.

    \b
      matey data check
      matey data check 2D_rdb_NA_NA
      matey data check data/zarr --only finite,bounds --limit 10
    """
    from matey_core.runs.project import project
    from matey_core.workflows.data_check import check_stores

    here, known = project(), Setting(choices=CHECKS.names(), separator=",")
    with render.progress() as on_progress:
        report = check_stores(
            [here.place(store) for store in stores or ()] or [here.data],
            checks=None if only is None else typed("--only", only, known),
            limit=limit,
            on_progress=on_progress,
        )
    if not render.emit(report):
        for store in report.stores:
            findings.show(store)
        render.heading(findings.total(report))
        worst = max(report.stores, key=lambda store: len(store.findings), default=None)
        if report.errors and worst is not None:
            name_next("data", "inspect", worst.path)
        else:
            name_next("pretrain", data=here.place(stores[0]) if stores else here.data)
    raise typer.Exit(1 if report.errors else 0)
