"""Convert simulation files to checked, split Zarr stores."""

from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from matey_cli import findings, render
from matey_cli.commands._reading import READERS, READING, SETTINGS, layouts
from matey_cli.next_step import name_next
from matey_cli.options import Given, configure, from_settings, num_bytes, option, options
from matey_cli.options.setting import Setting
from matey_cli.options.values import listed, typed
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.workflows.data_check import CheckReport
    from matey_core.workflows.prepare import PrepareReport, PrepareRow

EXAMPLES = r"""
    \b
      matey prepare ./data
      matey prepare pdebench ./data
      matey prepare ./data --dry-run
      matey prepare pdebench ./data --limit 100 --split 0.9,0.05,0.05
      matey prepare netcdf ./runs --dims time=t,z,x --boundary x=periodic
      matey prepare hdf5 mine.h5 --fields u=train/u --dims sample,time,y,x
      matey prepare pdebench ./data --compress lz4 --out s3://bucket/data
"""


def ranges(text: str) -> dict[str, tuple[int, int]]:
    """Read parts of axes, such as x=0:64,y=16:80.

    Raises:
        ValueError: it is no such list.
    """
    found = {}
    for part in text.split(","):
        axis, _, span = part.partition("=")
        first, last = span.split(":")
        found[axis.strip()] = (int(first), int(last))
    return found


def parts(text: str) -> tuple[float, ...]:
    """Read the shares of train, validation and test, such as 0.8,0.1,0.1.

    Raises:
        ValueError: these are not three numbers.
        ConfigError: they do not add up to 1, nor are they whole.
    """
    train, validation, test = (float(part) for part in text.split(","))
    total = train + validation + test
    is_whole = all(part.is_integer() for part in (train, validation, test))
    if not (is_whole or isclose(total, 1, abs_tol=1e-6)):
        raise ConfigError(
            f"--split takes three shares that add up to 1, not {text}: they add up to {total:g}.",
            remedy="Write it like 0.8,0.1,0.1, or in whole parts like 8,1,1.",
        )
    return train, validation, test


def layout(text: str) -> str:
    """Take the name of a reader, or the path of a source in its place.

    Raises:
        ConfigError: it is neither.
    """
    if text not in READERS and (Path(text).exists() or "/" in text or Path(text).suffix):
        return text
    return typed(
        "READER",
        text,
        Setting(choices=READERS.names()),
        hint=f"Or name a file or folder; there is none called {text}.",
    )


@from_settings(
    SETTINGS,
    option(
        "reader",
        family="matey_core.readers",
        parse=layout,
        default="auto",
        help="Layout of the sources, one of those listed above; may be left out.",
    ),
    *options("source --out --limit"),
    option("--split", parse=parts, metavar="TRAIN,VALIDATION,TEST", example="0.8,0.1,0.1"),
    *options("--seed --overwrite --dry-run --workers"),
    option("--memory", parse=num_bytes, metavar="SIZE", example="8GB"),
    *options("--dask --dtype --compress --chunk --stride"),
    option("--crop", parse=ranges, metavar="AXIS=FIRST:LAST,…", example="x=0:64,y=16:80"),
    *options("--downsample --downsample-method --allow-missing"),
    *READING,
    *options("--directed --conserved --license --check"),
)
def prepare(given: Given) -> None:
    """Convert simulation files to checked, split Zarr stores.

    Sources are found in SOURCE and all folders below it and recognized by their
    content, whatever their names. Each becomes one store, SOURCE/zarr/NAME.zarr, with
    the same values bit for bit, which xarray.open_zarr also reads. Values are checked
    to be finite, and whole trajectories are split into train, validation and test.
    Stores that are up to date are kept. A conversion that was stopped, even by a kill,
    continues where it stopped.
    """
    from matey_core.errors import Interrupted
    from matey_core.workflows.prepare import PrepareConfig
    from matey_core.workflows.prepare import prepare as run

    config = configure(PrepareConfig, _with_layout(given))
    try:
        with render.progress() as on_progress:
            report = run(config, on_progress)
    except Interrupted as stop:
        render.note(str(stop))
        raise
    if not render.emit(report):
        _show(report)
    if report.failures or (report.check and report.check.errors):
        raise typer.Exit(1)


def _with_layout(given: Given) -> Given:
    """Move a source that stands where a layout may stand to its place."""
    reader = given.get("reader", "auto")
    if reader in READERS:
        return {**given, "reader": reader}
    if "source" in given:
        raise ConfigError(
            f"READER is {reader}, which is no layout, and SOURCE is {given['source']}.",
            remedy=f"Name one source, or one of the layouts {listed(READERS.names())} before it.",
        )
    return {**given, "reader": "auto", "source": reader}


prepare.__doc__ = f"{prepare.__doc__}\n    Layouts:\n{layouts()}\n{EXAMPLES}"


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
    for failure in report.failures:
        render.note(f"Not read: {failure.problem} {failure.remedy}".rstrip())
    if report.check:
        _show_faults(report.check)
    if report.dry_run:
        render.note("Next: the same command without --dry-run.")
    elif report.check and report.check.errors:
        name_next("data", "check", report.out)
    else:
        name_next("pretrain", data=report.out)


def _show_faults(check: "CheckReport") -> None:
    """Print what is wrong with new stores; what is only worth knowing is left to `data check`."""
    for store in check.stores:
        if any(finding.severity != "note" for finding in store.findings):
            findings.show(store)
    part = any(store.samples < store.of_samples for store in check.stores)
    more = " The first trajectories were checked; `matey data check` looks at all." if part else ""
    render.note(f"Check: {findings.total(check)}{more}")


def _cells(row: "PrepareRow") -> tuple[object, ...]:
    fields = (*row.fields, *(f"{name} (static)" for name in row.static_fields))
    return (
        render.Lines((row.store.stem, f"  {', '.join(fields)}")),
        f"{row.samples} × {row.frames} × {'×'.join(map(str, row.shape))}",
        "/".join(map(str, row.splits)) if row.splits else "–",
        render.size(row.num_bytes),
        row.status,
    )
