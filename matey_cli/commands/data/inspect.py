"""Show what a store or a source holds."""

from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render
from matey_cli.commands._reading import READING, SETTINGS, reader_names, typed_again
from matey_cli.next_step import name_next
from matey_cli.options import Given, from_settings, store_names
from matey_core.numbers import counted

if TYPE_CHECKING:
    from matey_core.readers.hdf5.contents import FileContents
    from matey_core.workflows.data_inspect import DataReport
    from matey_core.workflows.data_inspect.description import Description, FieldRow


@from_settings(SETTINGS, *READING)
def inspect(
    given: Given,
    path: Annotated[
        str,
        typer.Argument(
            help="A store (by name, path or URL), a source, or a folder of them.  "
            "[default: ./data]",
            show_default=False,
            autocompletion=store_names,
        ),
    ] = "",
    reader: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Layout of the source; by default recognized from its content.",
            autocompletion=reader_names,
        ),
    ] = None,
) -> None:
    r"""Show what a store or a source holds.

    Shows dims and sizes, fields with units and ranges, time step, boundaries, parameters
    and splits. In a terminal, it also draws each field of the first sample at its first,
    middle and last time. In a folder with several, each has one line. Only a few frames
    of a source are read, whatever its size. If no reader knows the layout of an HDF5 or
    MATLAB file, it lists all arrays and proposes the command to read them.

    \b
      matey data inspect
      matey data inspect 2D_rdb_NA_NA
      matey data inspect data/2D_rdb_NA_NA.h5 --reader pdebench
      matey data inspect runs.npy --reader array --dims sample,time,y,x
    """
    from matey_core.readers import ReaderOptions
    from matey_core.runs.project import project
    from matey_core.workflows.data_inspect import inspect_data

    here = project()
    with render.progress() as on_progress:
        report = inspect_data(
            here.place(path) if path else here.data,
            reader=reader,
            options=ReaderOptions(**given),
            on_progress=on_progress,
        )
    if not render.emit(report):
        show_data(report, given)


def show_data(report: "DataReport", given: Given | None = None) -> None:
    """Describe the one store or source, or list all of them; `given` says how it was read."""
    for found in report.contents:
        _show_contents(found)
    if report.contents:
        return
    if len(report.items) == 1 and not report.failures:
        _describe(report.items[0])
    else:
        _list(report)
    _name_next(report, given or {})


def _show_contents(found: "FileContents") -> None:
    """List the arrays of a file whose layout is not known, and what may read it."""
    facts = {"path": str(found.path), **{f"@{key}": v for key, v in found.attributes.items()}}
    render.facts(f"{found.path.name} (no known layout)", **facts)
    render.table(
        "",
        ("array", "shape", "type", "attributes"),
        [
            (
                row.path,
                "×".join(map(str, row.shape)) or "1 number",
                row.dtype,
                "; ".join(f"{key} = {value}" for key, value in row.attributes.items()) or None,
            )
            for row in found.arrays
        ],
        caption=f"{counted(len(found.arrays), 'array')}.",
    )
    if found.outside:
        render.note(
            f"Left alone, as their values lie in other files or nowhere: "
            f"{', '.join(found.outside)}."
        )
    if found.command:
        render.note("No reader knows this layout. Correct what is guessed here:")
        name_next(*found.command)
    else:
        render.note("No array is of a floating type, so there is no field.")


def _name_next(report: "DataReport", given: Given) -> None:
    """What to do with what was found: check a store, convert a source."""
    stores = [item for item in report.items if item.kind == "store"]
    if stores:
        name_next("data", "check", *(store.path for store in stores[:1] if len(stores) == 1))
    elif report.items:
        name_next("prepare", report.items[0].layout, report.path, *typed_again(given))


def _list(report: "DataReport") -> None:
    render.table(
        f"Data in {report.path}",
        ("what and its fields", "samples × frames × grid", "size", "kind"),
        [
            (
                render.Lines((item.name, f"  {', '.join(field.name for field in item.fields)}")),
                _shape(item),
                render.size(item.num_bytes),
                item.kind if item.kind == "store" else f"source, {item.layout}",
            )
            for item in report.items
        ],
        caption="Name one of them for more.",
    )
    for failure in report.failures:
        render.note(f"{failure.problem} {failure.remedy}")


def _shape(item: "Description") -> str:
    samples, frames, *space = (dim.size for dim in item.dims)
    return f"{samples} × {frames} × {'×'.join(map(str, space))}"


def _describe(item: "Description") -> None:
    from matey_cli.sketches import sketch

    render.facts(f"{item.name} ({item.kind}, {item.layout})", **_facts(item))
    render.table(
        "",
        ("dim", "size", "from", "to", "step", "unit", "boundary"),
        [
            (dim.name, dim.size, dim.start, dim.stop, dim.step, dim.unit or None, dim.boundary)
            for dim in item.dims
        ],
    )
    render.table(
        "",
        ("field", "unit", "min", "max", "mean", "std", "about"),
        [
            (
                field.name,
                field.unit or None,
                field.low,
                field.high,
                field.mean,
                field.std,
                _about(field),
            )
            for field in item.fields
        ],
        caption=f"Values of {item.ranges_of}.",
    )
    if item.parameters:
        render.table(
            "",
            ("parameter", "min", "max", "distinct", "unknown"),
            [(p.name, p.low, p.high, p.distinct, p.unknown or None) for p in item.parameters],
        )
    for note in item.notes:
        render.note(f"{note[0].upper()}{note[1:]}.")
    for pictures in item.snapshots:
        sketch(pictures)


def _facts(item: "Description") -> dict[str, str]:
    facts = {"path": str(item.path)}
    if item.splits is not None:
        facts["split"] = "{} train, {} validation, {} test".format(*item.splits)
    size = render.size(item.num_bytes)
    facts["size"] = f"{size} for {render.size(item.value_bytes)} of {item.dtype} values"
    if item.encoding:
        facts["chunks"] = item.encoding
    if directed := [dim.name for dim in item.dims if dim.is_directed]:
        facts["directed"] = f"mirroring {', '.join(directed)} changes the physics"
    if "source" in item.provenance:
        facts["source"] = item.provenance["source"]
    if made := [f"{key} {text}" for key, text in item.provenance.items() if key != "source"]:
        facts["made_by"] = ", ".join(made)
    return facts


def _about(field: "FieldRow") -> str:
    parts = [
        f"{'×'.join(field.component)} component" if field.component else "",
        "static" if field.is_static else "",
        "conserved" if field.is_conserved else "",
        f"{100 * field.missing:.3g} % missing" if field.missing else "",
        _bounds(*field.bounds),
    ]
    return ", ".join(part for part in parts if part)


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f"≤ {high:g}"
    return f"≥ {low:g}" if high is None else f"{low:g} to {high:g}"
