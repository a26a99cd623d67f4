"""Measure which criterion finds the cells where the coarse pass is wrong."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matey_cli import render
from matey_cli.commands._options import RunsFolder, names

if TYPE_CHECKING:
    from matey_core.studies.criterion import CriterionReport, StoreAudit


def criterion(
    run: Annotated[
        Path | None,
        typer.Option(
            help="Run or model directory, or the name of a run.  [default: the newest run]",
            show_default=False,
        ),
    ] = None,
    without_model: Annotated[
        bool,
        typer.Option(
            "--without-model", help="Look for the errors of persistence, as a stand-in for a model."
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            help="Folder or s3://… of stores.  [default: the stores that the run was trained on, "
            "or ./data]",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of a store; may be repeated.  [default: all that fit]", show_default=False
        ),
    ] = None,
    criteria: Annotated[
        str | None,
        typer.Option(
            help="Criteria to compare, such as variance,gradient+innovation.  [default: all]",
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.001, max=1, help="Share of the cells that are chosen.")
    ] = 0.25,
    lead: Annotated[int, typer.Option(min=1, help="Frames ahead.")] = 1,
    split: Annotated[
        Literal["train", "validation", "test", "all"] | None,
        typer.Option(
            help="Which trajectories.  [default: test; without a model, all]", show_default=False
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Take at most this many trajectories of each store.")
    ] = None,
    windows: Annotated[
        int, typer.Option(min=1, help="Windows of each trajectory, at most, evenly spread.")
    ] = 16,
    patch: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Points per axis of a cell, without a model.  [default: 16]",
            show_default=False,
        ),
    ] = None,
    history: Annotated[
        int | None, typer.Option(min=1, help="Frames of the history.  [default: as trained, or 4]")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The picture, .png, .pdf or .svg.  [default: RUN/study-criterion.png, or here]",
            show_default=False,
        ),
    ] = None,
    runs: RunsFolder = None,
) -> None:
    r"""Measure which criterion finds the cells where the coarse pass is wrong.

    The model predicts with coarse cells everywhere, and the squared error of the
    normalized fields is added up in every cell. The tables say how much of it lies
    in the share of cells that each criterion scores highest; beside the oracle,
    which knows the error, and chance. "of possible" is what a criterion captures
    beyond chance, of what the oracle does. The picture shows all shares.

    \b
      matey study criterion
      matey study criterion --run pretrain-001 --criteria variance,gradient+innovation
      matey study criterion --without-model --data ./data --patch 8 --share 0.1
    """
    from matey_core.errors import ConfigError
    from matey_core.locations import location
    from matey_core.runs.project import project
    from matey_core.studies.criterion import CriterionConfig, study_criterion

    if without_model and run is not None:
        raise ConfigError("--run names a model, and --without-model none.", remedy="Give one.")
    if patch is not None and not without_model:
        raise ConfigError(
            "--patch is for --without-model: a model has the cells that it was trained with.",
            remedy="Leave it out.",
        )
    config = CriterionConfig(
        run=run,
        runs=runs or project().runs,
        without_model=without_model,
        data=location(data) if data else project().data if without_model else None,
        store=tuple(store or ()),
        split=split or ("all" if without_model else "test"),
        samples=samples,
        windows=windows,
        criteria=names(criteria) or (),
        share=share,
        lead=lead,
        patch=patch,
        history=history,
        out=out,
    )
    with render.progress() as on_progress:
        report = study_criterion(config, on_progress)
    if not render.emit(report):
        _show(report)


def _show(report: "CriterionReport") -> None:
    if report.is_stand_in:
        whose = "Persistence, the prediction that nothing changes, stands in for a model"
        render.note(f"{whose}: what a model gets wrong may lie elsewhere.")
    for audit in report.stores:
        _show_store(audit, report)
    for name, reason in report.skipped.items():
        render.note(f"{name} is left out: {reason}.")
    render.note(f"Curves: {report.picture}" if report.picture else report.no_picture)


def _show_store(audit: "StoreAudit", report: "CriterionReport") -> None:
    whose = "persistence" if report.is_stand_in else "the coarse pass"
    split = "" if report.split == "all" else f"{report.split} "
    render.table(
        f"{audit.store}: error of {whose} in {audit.chosen} of {audit.num_cells} cells of "
        f"{'×'.join(map(str, audit.patch))} points",
        ("criterion", "captured %", "±", "of possible %", "rank correlation", "±"),
        [
            (
                row.criterion,
                _percent(row.captured.value),
                _percent(row.captured.standard_error),
                _percent(row.gain),
                _fraction(row.correlation.value),
                _fraction(row.correlation.standard_error),
            )
            for row in audit.criteria
        ],
        caption=f"Mean over {audit.trajectories} {split}trajector"
        f"{'y' if audit.trajectories == 1 else 'ies'}, {audit.windows} windows; ± is its standard "
        "error over trajectories.",
    )
    if audit.left_out:
        render.note(f"{audit.store}: {audit.left_out} windows without a finite error are left out.")


def _percent(value: float) -> str | None:
    return None if isnan(value) else f"{100 * value:.1f}"


def _fraction(value: float) -> str | None:
    return None if isnan(value) else f"{value:.3f}"
