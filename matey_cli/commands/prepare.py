"""Convert simulation files to checked, split Zarr stores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matey_cli import findings, render
from matey_cli.commands import _reading
from matey_cli.commands._options import sizes
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.workflows.data_check import CheckReport
    from matey_core.workflows.prepare import PrepareReport, PrepareRow

EXAMPLES = r"""
    \b
      matey prepare pdebench ./data
      matey prepare auto ./data --dry-run
      matey prepare pdebench ./data --limit 100 --split 0.9,0.05,0.05
      matey prepare netcdf ./runs --dims time=t,z,x --boundary x=periodic,z=no_slip
      matey prepare pdebench ./data --compress lz4 --out s3://bucket/data
"""


def prepare(
    reader: Annotated[
        str, typer.Argument(help="Layout of the sources, one of those listed below.")
    ],
    source: Annotated[
        Path, typer.Argument(help="A file, or a folder that is searched with all below it.")
    ] = Path("data"),
    out: Annotated[
        str | None,
        typer.Option(
            help="Folder or URL for the stores.  [default: SOURCE/zarr]", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take at most this many samples of each source.")
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
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that convert.  [default: one a core]"),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            help="Memory for all of them together, such as 8GB.  [default: a quarter of it]"
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(help="Address of a dask scheduler whose cluster converts instead."),
    ] = None,
    dtype: Annotated[
        Literal["source", "float16", "bfloat16", "float32", "float64"],
        typer.Option(help="Precision of the values in the store."),
    ] = "source",
    compress: Annotated[
        Literal["none", "lz4", "zstd"], typer.Option(help="Compression of the values.")
    ] = "none",
    chunk: Annotated[
        int | None,
        typer.Option(
            min=1, help="Frames of a chunk.  [default: 8 MiB, compressed 128 KiB or a frame]"
        ),
    ] = None,
    stride: Annotated[int, typer.Option(min=1, help="Take every so many-th frame.")] = 1,
    crop: Annotated[
        str | None, typer.Option(help="Take part of space, such as x=0:64,y=16:80.")
    ] = None,
    downsample: Annotated[
        str | None,
        typer.Option(help="Make one point of so many: 2 along every axis, or 2,1 one by one."),
    ] = None,
    downsample_method: Annotated[
        Literal["auto", "mean", "spectral"],
        typer.Option(help="auto keeps Fourier modes where periodic, means elsewhere."),
    ] = "auto",
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Let NaN stand for cells that are solid or missing."),
    ] = False,
    dims: _reading.Dims = None,
    fields: _reading.Fields = None,
    derive: _reading.Derive = None,
    boundary: _reading.Boundary = None,
    time_step: _reading.TimeStep = None,
    spacing: _reading.Spacing = None,
    directed: _reading.Directed = None,
    conserved: _reading.Conserved = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Look for faults in what was converted.")
    ] = True,
) -> None:
    """Convert simulation files to checked, split Zarr stores.

    Sources are found in SOURCE and all folders below it and recognized by their
    content, whatever their names. Each becomes one store, SOURCE/zarr/NAME.zarr,
    with the same values bit for bit, which xarray.open_zarr also reads. Values
    are checked to be finite, and whole trajectories are split into train,
    validation and test. What is up to date is left alone; what was stopped,
    even by a kill, goes on where it was.
    """
    from matey_core.workflows.prepare import Interrupted, PrepareConfig
    from matey_core.workflows.prepare import prepare as run

    config = PrepareConfig(
        reader=reader,
        source=source,
        out=out,  # type: ignore[arg-type]
        limit=limit,
        split=_shares(split),
        seed=seed,
        overwrite=overwrite,
        dry_run=dry_run,
        workers=workers,
        memory=None if memory is None else num_bytes(memory),
        dask=dask,
        dtype=dtype,
        compress=compress,
        chunk=chunk,
        stride=stride,
        crop=_ranges(crop),
        downsample=sizes(downsample, example="2 or 2,1") or (),
        downsample_method=downsample_method,
        allow_missing=allow_missing,
        check=check,
        **_reading.options(
            dims=dims,
            fields=fields,
            derive=derive,
            boundary=boundary,
            time_step=time_step,
            spacing=spacing,
            directed=directed,
            conserved=conserved,
        ),
    )
    try:
        with render.progress() as on_progress:
            report = run(config, on_progress)
    except Interrupted as stop:
        render.note(str(stop))
        raise
    if not render.emit(report):
        _show(report)
    if report.check and report.check.errors:
        raise typer.Exit(1)


prepare.__doc__ = f"{prepare.__doc__}\n    Layouts:\n{_reading.layouts()}\n{EXAMPLES}"


def num_bytes(text: str) -> int:
    """Read a size such as 8GB, 500 MB or 4GiB.

    Raises:
        ConfigError: it is none.
    """
    units = {"": 1, "B": 1}
    for power, prefix in enumerate("KMGT", start=1):
        units |= {f"{prefix}B": 1000**power, f"{prefix}IB": 1024**power, prefix: 1000**power}
    number = text.strip().upper().rstrip("BIKMGT ")
    try:
        count = int(float(number) * units[text.strip().upper()[len(number) :].strip()])
    except (ValueError, KeyError, OverflowError):
        count = 0
    if count < 1:
        raise ConfigError(f"--memory {text!r} is no size.", remedy="Write it as 8GB or 500MB.")
    return count


def _ranges(text: str | None) -> dict[str, tuple[int, int]]:
    ranges = {}
    try:
        for part in text.split(",") if text else ():
            axis, _, span = part.partition("=")
            first, last = span.split(":")
            ranges[axis.strip()] = (int(first), int(last))
    except ValueError:
        raise ConfigError(
            f"--crop {text!r} is no list of ranges.",
            remedy="Write the first point and the one after the last, as x=0:64,y=16:80.",
        ) from None
    return ranges


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
        caption=f"{len(done)} of {len(report.rows)} sources {verb}, {total}. "
        "Split: train/validation/test.",
    )
    if not done and not report.dry_run:
        render.note("Everything is up to date; nothing was done.")
    notes: dict[str, list[str]] = {}
    for row in report.rows:
        if row.note:
            notes.setdefault(row.note, []).append(row.store.stem)
    for note, names in notes.items():
        render.note(f"{note[0].upper()}{note[1:]}: {', '.join(names)}.")
    if report.check:
        _show_faults(report.check)


def _show_faults(check: "CheckReport") -> None:
    """Print what is wrong with new stores; what is only worth knowing is left to `data check`."""
    for store in check.stores:
        if any(finding.severity != "note" for finding in store.findings):
            findings.show(store)
    part = any(store.samples < store.of_samples for store in check.stores)
    more = " The first trajectories were checked; `matey data check` looks at all." if part else ""
    render.note(f"Check: {findings.total(check)}{more}")


def _cells(row: "PrepareRow") -> tuple[str, ...]:
    fields = (*row.fields, *(f"{name} (static)" for name in row.static_fields))
    return (
        f"{row.store.stem}\n  {', '.join(fields)}",
        f"{row.samples} × {row.frames} × {'×'.join(map(str, row.shape))}",
        "/".join(map(str, row.splits)) if row.splits else "–",
        render.size(row.num_bytes),
        row.status,
    )
