"""Describe a run, a model, a store or a file."""

from collections.abc import Sequence
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
    from matey_core.runs.folder import StoreRecord


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
    model knows and needs. For a store or a source: what `matey data inspect` says.

    \b
      matey info
      matey info pretrain-001
      matey info data/zarr/2D_rdb_NA_NA.zarr
    """
    from matey_core.catalog import find_run, list_runs, read_model, read_run
    from matey_core.errors import DataError
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
            _show_model(model)
    else:
        place = here.place(str(path))
        if "://" not in place and not Path(place).exists():
            raise DataError(
                f"{path} is no run in {here.runs}, no store in {here.data}, and no path.",
                remedy="`matey runs` lists the runs, `matey info FOLDER` stores and sources.",
            )
        _show_data(place)


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
    facts |= _needs(run.history, run.stores)
    render.facts(f"{run.path} (run of matey {run.kind})", **facts)
    _show_stores(run.stores)
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


def _show_model(model: "ModelRecord") -> None:
    origin = model.origin
    facts = _model(model) | (_needs(origin.history, origin.stores) if origin else {})
    render.facts(f"{model.path} (model)", **facts)
    if origin:
        _show_stores(origin.stores)
        if origin.scores:
            show_scores(origin.scores, step=origin.step)
    name_next("rollout", model.path, *(["--data", "FOLDER"] if origin else []))


def _show_stores(stores: "Sequence[StoreRecord]") -> None:
    render.table(
        "Trained on",
        ("store and its fields", "grid", "boundary", "time step", "trajectories"),
        [
            (
                render.Lines((store.name, f"  {_fields(store.fields, store.units)}")),
                "×".join(map(str, store.shape)) or None,
                ", ".join(dict.fromkeys(store.boundary)) or None,
                store.time_step_in_words or None,
                len(store.samples),
            )
            for store in stores
        ],
    )


def _needs(history: int | None, stores: "Sequence[StoreRecord]") -> dict[str, str]:
    """The history that a model reads, and the license of what it learned from."""
    licenses = ", ".join(dict.fromkeys(store.license for store in stores if store.license))
    return {
        **({} if history is None else {"history": f"{history} frames"}),
        **({"data under": licenses} if licenses else {}),
    }


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
