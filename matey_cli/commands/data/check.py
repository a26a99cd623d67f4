"""Find what is wrong with stores."""

from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render

if TYPE_CHECKING:
    from matey_core.linting import Finding
    from matey_core.workflows.data_check import StoreCheck

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def check(
    stores: Annotated[
        list[str] | None,
        typer.Argument(
            help="Stores, or folders with stores; paths or URLs.  [default: ./data]",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Names of checks, such as finite,bounds. Default: all.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at this many trajectories of each store.")
    ] = None,
) -> None:
    """Find what is wrong with stores.

    Each store is read once: values that are not finite or physically impossible,
    copies of trajectories (between splits, and between the stores named together),
    constant fields, runs that stand still, uneven times, axes that are not
    periodic, drift of conserved quantities, values changed on the disk.

    Exit code 1 if there is an error, 0 with warnings and notes only.

    \b
      matey data check
      matey data check data/zarr/2D_rdb_NA_NA.zarr
      matey data check data/zarr --only finite,bounds --limit 10
    """  # noqa: D301
    from matey_core.workflows._project import project
    from matey_core.workflows.data_check import check_stores

    with render.progress() as on_progress:
        report = check_stores(
            stores or [project().data],
            checks=None if only is None else [name.strip() for name in only.split(",")],
            limit=limit,
            on_progress=on_progress,
        )
    if not render.emit(report):
        for store in report.stores:
            _show(store)
        render.heading(
            f"{_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}, "
            f"{_count(report.notes, 'note')} in {_count(len(report.stores), 'store')}."
        )
    raise typer.Exit(1 if report.errors else 0)


def _show(store: "StoreCheck") -> None:
    looked = f"{store.samples:,} of {_count(store.of_samples, 'sample')}"
    rate = f", {render.size(store.num_bytes / store.seconds)}/s" if store.num_bytes else ""
    caption = f"{looked}, {render.size(store.num_bytes)} read{rate}"
    if not store.findings:
        render.heading(f"{store.path.stem}: nothing found")
        render.caption(f"  {caption}")
        return
    render.table(
        store.path.stem,
        ("check", "found", "what to do"),
        [_cells(finding) for finding in store.findings],
        caption=caption,
    )


def _cells(finding: "Finding") -> tuple[object, ...]:
    from rich.text import Text

    severity = Text(finding.severity, STYLES[finding.severity])
    return (
        severity.append(f"\n{finding.check}", "default not bold not dim"),
        f"{_place(finding)}\n{finding.found}\nexpected: {finding.expected}",
        finding.remedy,
    )


def _place(finding: "Finding") -> str:
    """Where it is, from the field down to the cell."""
    split = f" ({finding.split})" if finding.split else ""
    cell = None if finding.cell is None else ", ".join(map(str, finding.cell))
    parts = [
        finding.field,
        finding.sample and f"sample {finding.sample}{split}",
        "" if finding.frame is None else f"frame {finding.frame}",
        "" if cell is None else f"cell ({cell})",
        f"{finding.count:,} samples in all" if finding.sample and finding.count > 1 else "",
    ]
    return ", ".join(part for part in parts if part) or "the store"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
