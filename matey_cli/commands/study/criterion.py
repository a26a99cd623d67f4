"""Measure which criterion finds the cells where the coarse pass is wrong."""

from math import isnan
from typing import TYPE_CHECKING

from matey_cli import render
from matey_cli.next_step import name_next
from matey_cli.options import (
    Given,
    configure,
    from_settings,
    option,
    options,
    part_names,
    run_names,
    store_names,
)
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.studies.criterion.report import CriterionReport, StoreAudit


@from_settings(
    "matey_core.studies.criterion.settings:CriterionConfig",
    option("--run", complete=run_names),
    *options("--without-model --data"),
    option(
        "--store",
        repeats=True,
        complete=store_names,
        help="Name of a store; may be repeated; by default all that fit.",
    ),
    option("--criteria", complete=part_names("matey_core.criteria")),
    *options("--share --lead"),
    option("--split", default="test; without a model, all"),
    *options("--samples --windows --patch --history --out --runs"),
)
def criterion(given: Given) -> None:
    r"""Measure which criterion finds the cells where the coarse pass is wrong.

    The model predicts with coarse cells everywhere, and the squared error of the
    normalized fields is added up in every cell. The tables show the fraction of this
    error in the cells that each criterion scores highest, beside chance and the oracle,
    which knows the error. "of possible" is (criterion − chance) / (oracle − chance).
    The picture shows all fractions of cells.

    \b
      matey study criterion
      matey study criterion --run pretrain-001 --criteria variance,gradient+innovation
      matey study criterion --without-model --data ./data --patch 8 --share 0.1
    """
    from matey_core.runs.project import project
    from matey_core.studies.criterion import study_criterion
    from matey_core.studies.criterion.settings import CriterionConfig

    without_model = given.get("without_model", False)
    if without_model and "run" in given:
        raise ConfigError(
            "--run names a model, and --without-model none.", remedy="Give one of them."
        )
    if "patch" in given and not without_model:
        raise ConfigError(
            "--patch needs --without-model; a model has the cells that it was trained with.",
            remedy="Leave out --patch, or add --without-model.",
        )
    here = project()
    alone = {"data": here.data, "split": "all"} if without_model else {}
    config = configure(CriterionConfig, given, defaults={"runs": here.runs, **alone})
    with render.progress() as on_progress:
        report = study_criterion(config, on_progress)
    if not render.emit(report):
        show(report)


def show(report: "CriterionReport") -> None:
    """Print tables and notes."""
    if report.is_stand_in:
        whose = "Persistence, the prediction that nothing changes, stands in for a model"
        render.note(f"{whose}: what a model gets wrong may lie elsewhere.")
    for audit in report.stores:
        _show_store(audit, report)
    for name, reason in report.skipped.items():
        render.note(f"{name} is left out: {reason}.")
    render.note(f"Curves: {report.picture}" if report.picture else report.no_picture)
    if best := _best(report):
        name_next("tokenize-inspect", "--criterion", best)


def _best(report: "CriterionReport") -> str:
    """The criterion that captures most, on average over stores; empty where none is known."""
    captured: dict[str, list[float]] = {}
    for row in (row for audit in report.stores for row in audit.criteria):
        if row.criterion != "oracle" and not isnan(row.captured.value):
            captured.setdefault(row.criterion, []).append(row.captured.value)
    return max(captured, key=lambda name: sum(captured[name]) / len(captured[name]), default="")


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
