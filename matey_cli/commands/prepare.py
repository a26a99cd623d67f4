"""Convert simulation files to checked, split Zarr stores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.workflows.prepare import PrepareReport, PrepareRow


def prepare(
    reader: Annotated[str, typer.Argument(help="Layout of the source files: pdebench.")],
    source: Annotated[
        Path, typer.Argument(help="A file, or a folder that is searched with all below it.")
    ] = Path("data"),
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the stores.  [default: SOURCE/zarr]", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take at most this many samples of each file.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Shares of train, validation and test trajectories.")
    ] = "0.8,0.1,0.1",
    seed: Annotated[int, typer.Option(min=0, help="Decides which trajectory goes where.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Convert again what is there already.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be converted, and stop.")
    ] = False,
) -> None:
    """Convert simulation files to checked, split Zarr stores.

    Files are found in SOURCE and all folders below it and recognized by their
    content, whatever their names. Each becomes one store, SOURCE/zarr/NAME.zarr,
    with the same values bit for bit, which xarray.open_zarr also reads. Values
    are checked to be finite, and whole trajectories are split into train,
    validation and test. What is up to date is left alone.

    \b
      matey prepare pdebench ./data
      matey prepare pdebench ./data --dry-run
      matey prepare pdebench ./data --limit 100 --split 0.9,0.05,0.05
    """  # noqa: D301
    from matey_core.workflows.prepare import PrepareConfig
    from matey_core.workflows.prepare import prepare as run

    config = PrepareConfig(
        reader=reader,
        source=source,
        out=out,
        limit=limit,
        split=_shares(split),
        seed=seed,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    with render.progress() as on_progress:
        report = run(config, on_progress)
    if not render.emit(report):
        _show(report)


def _shares(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--split {text!r} is not three numbers.",
            remedy="Write train, validation and test as 0.8,0.1,0.1.",
        ) from None
    return train, validation, test


def _show(report: "PrepareReport") -> None:
    done = [row for row in report.rows if row.status in ("planned", "converted")]
    total = render.size(sum(row.num_bytes for row in done))
    verb = "would be converted" if report.dry_run else "converted"
    render.table(
        f"Stores in {report.out}",
        ("store and its fields", "samples × frames × grid", "split", "size", "status"),
        [_cells(row) for row in report.rows],
        caption=f"{len(done)} of {len(report.rows)} files {verb}, {total}. "
        "Split: train/validation/test.",
    )
    notes: dict[str, list[str]] = {}
    for row in report.rows:
        if row.note:
            notes.setdefault(row.note, []).append(row.store.stem)
    for note, names in notes.items():
        render.note(f"{note[0].upper()}{note[1:]}: {', '.join(names)}.")


def _cells(row: "PrepareRow") -> tuple[str, ...]:
    fields = (*row.fields, *(f"{name} (static)" for name in row.static_fields))
    return (
        f"{row.store.stem}\n  {', '.join(fields)}",
        f"{row.samples} × {row.frames} × {'×'.join(map(str, row.shape))}",
        "/".join(map(str, row.splits)) if row.splits else "–",
        render.size(row.num_bytes),
        row.status,
    )
