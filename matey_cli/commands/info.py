"""Describe a run, a model, a store or a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matey_cli import render
from matey_cli.commands._ratios import marked
from matey_cli.commands._validation import show_scores
from matey_cli.next_step import name_next
from matey_cli.options import store_or_run_names

if TYPE_CHECKING:
    from matey_core.catalog import ModelRecord, RunRecord


def info(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="A run or a store (by name or path), a model directory, a source, or a folder "
            "of stores.  [default: the newest run]",
            autocompletion=store_or_run_names,
            show_default=False,
        ),
    ] = None,
) -> None:
    r"""Describe a run, a model, a store or a file.

    For a run: when and how it was trained, what its model needs (history, fields with
    units, grids, time steps), its data, and its scores. For a model directory: what the
    model knows. For a store or a source: what `matey data inspect` says.

    \b
      matey info
      matey info pretrain-001
      matey info data/zarr/2D_rdb_NA_NA.zarr
    """
    from matey_core.catalog import find_run, list_runs, read_model, read_run
    from matey_core.runs.project import project

    here = project()
    run = list_runs(here.runs).runs[0].path if path is None else find_run(path, runs=here.runs)
    if run is not None:
        record = read_run(run)
        if not render.emit(record):
            _show_run(record)
    elif (Path(str(path)) / "model.json").is_file():
        model = read_model(Path(str(path)))
        if not render.emit(model):
            render.facts(f"{path} (model)", **_model(model))
            name_next("rollout", path)
    else:
        _show_data(here.place(str(path)))


def _show_data(path: str) -> None:
    from matey_cli.commands.data.inspect import show_data
    from matey_core.workflows.data_inspect import inspect_data

    with render.progress() as on_progress:
        report = inspect_data(path, on_progress=on_progress)
    if not render.emit(report):
        show_data(report)


def _show_run(run: "RunRecord") -> None:
    facts = {
        "started": f"{run.started[:16].replace('T', ' ')} UTC on {run.versions.get('device', '–')}",
        "steps": run.steps,
        "size": render.size(run.num_bytes),
    }
    if run.model is not None:
        facts |= _model(run.model)
    if run.history is not None:
        facts["history"] = f"{run.history} frames"
    render.facts(f"{run.path} (run of matey {run.kind})", **facts)
    render.table(
        "Trained on",
        ("store and its fields", "grid", "boundary", "time step", "trajectories"),
        [
            (
                render.Lines((store.name, f"  {_fields(store.fields, store.units)}")),
                "×".join(map(str, store.shape)) or None,
                ", ".join(dict.fromkeys(store.boundary)) or None,
                store.time_step,
                len(store.samples),
            )
            for store in run.stores
        ],
    )
    if run.scores and run.best_step is not None:
        show_scores(run.scores, step=run.best_step)
    if run.rollout:
        render.table(
            "Rollout on test trajectories",
            ("store", "frames", "good", "forecast", "ratio"),
            [
                (
                    store,
                    each.get("known"),
                    each.get("good"),
                    str(each.get("forecast", "")).replace("_", " ") or None,
                    marked(each.get("ratio")),
                )
                for store, each in run.rollout.items()
            ],
        )
        name_next("runs", runs=run.path.parent)
    elif run.model is not None:
        name_next("rollout", run.path.name, runs=run.path.parent)
    else:
        name_next(run.kind, "--resume", "--name", run.path.name, runs=run.path.parent)


def _model(model: "ModelRecord") -> dict[str, Any]:
    size = render.size(model.num_bytes)
    facts = {
        "model": f"{model.variant}, {model.parameters:,} parameters, {size}",
        "fields": ", ".join(model.fields),
        "axes": " or ".join(map(str, model.num_axes)),
    }
    if model.base is not None:
        facts["adds to"] = model.base
    return facts


def _fields(names: tuple[str, ...], units: tuple[str, ...]) -> str:
    """Names with their units, as far as these are known."""
    known = dict(zip(names, units, strict=False))
    return ", ".join(f"{name} [{known[name]}]" if known.get(name) else name for name in names)
