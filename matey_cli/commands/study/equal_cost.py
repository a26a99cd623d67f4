"""Train uniform and adaptive tokens at equal cost, and compare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matey_cli import render
from matey_cli.commands._training import Assignments, SettingsFile
from matey_cli.commands.study._running import Jobs, Plan, running, show_comparison, show_plan
from matey_cli.next_step import name_next
from matey_cli.options import (
    Given,
    configure,
    from_settings,
    option,
    options,
    part_names,
    store_names,
)
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.studies.equal_cost.report import EqualCostReport

ELSEWHERE = {
    "data": "--data",
    "steps": "--steps",
    "seed": "--seeds",
    "learning_rate": "--learning-rates",
    "optimizer.learning_rate": "--learning-rates",
    "name": "--out",
    "runs": "--out",
    "flops": "--tokens",
    "seconds": "--seconds",
    "tokens_range": "--tokens",
    "model.tokenizer.name": "--arms",
    "model.tokenizer.patch": "--levels",
    "model.tokenizer.criterion": "--criterion",
    "model.tokenizer.tokens": "--tokens",
    "model.tokenizer.ratio": "--tokens",
    "model.tokenizer.gamma": "--tokens",
    "model.tokenizer.budget": "--tokens",
}
"""Settings that the study chooses, and the options that decide them."""


@from_settings(
    "matey_core.studies.equal_cost:EqualCostConfig",
    option("--data"),
    option(
        "--store",
        repeats=True,
        complete=store_names,
        help="Name of a store; may be repeated; by default all with several times and all splits.",
    ),
    *options("--arms --levels"),
    option("--criterion", "criteria", complete=part_names("matey_core.criteria")),
    *options("--tokens --seeds --seconds --steps --only --learning-rates --metric --rollout-steps"),
    option("--preset", "training.model.preset"),
    option("--batch-size", "training.batch_size"),
    option("--history", "training.history"),
    option("--max-lead", "training.max_lead"),
    option("--precision", "training.precision"),
    *options("--measure --out"),
)
def equal_cost(
    given: Given,
    coarse: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="INTEGER", help="Coarsest patch, halved down to --fine.  [default: 16]"
        ),
    ] = None,
    fine: Annotated[
        int | None, typer.Option(min=1, metavar="INTEGER", help="Finest patch.  [default: 4]")
    ] = None,
    jobs: Jobs = 1,
    plan: Plan = False,
    config: SettingsFile = None,
    assignments: Assignments = None,
) -> None:
    r"""Train uniform and adaptive tokens at equal cost, and compare.

    Arms are the uniform patch sizes of --levels, and adap_mix and adap_mul with a few
    numbers of tokens. Cells are refined straight from coarse to fine, or through all
    levels. The time of a step of every arm is measured first. Then every arm is trained with every
    seed, for equal seconds and for equal steps, and tested on test trajectories. The
    report, in OUT, has figures with intervals, a picture, and a verdict in one
    sentence. The same command continues a study that was stopped.

    \b
      matey study equal-cost --plan
      matey study equal-cost --seconds 120 --set model.width=96 --set model.depth=4
      matey study equal-cost --only steps --steps 500 --arms uniform,adap_mix --tokens 205
    """
    from matey_core.studies.equal_cost import EqualCostConfig
    from matey_core.studies.equal_cost import equal_cost as work

    training = _training(given, config, assignments)
    study = configure(
        EqualCostConfig,
        {**given, "levels": _ladder(coarse, fine, given)},
        defaults={"data": training["data"], "training": training},
    )
    with running() as on_progress:
        report = work(
            study, on_progress, on_plan=lambda found: show_plan(found, is_all=plan), jobs=jobs
        )
    if report is not None and not render.emit(report):
        show(report)
        name_next("runs", "--runs", report.study.out / "runs")


def _training(given: Given, file: Path | None, assignments: list[str] | None) -> dict[str, Any]:
    """Settings of all trainings, as plain values."""
    from matey_core.runs.project import project
    from matey_core.runs.upgrade import upgraded
    from matey_core.workflows.pretrain import PretrainConfig

    for assignment in assignments or ():
        key = assignment.partition("=")[0].strip()
        if key in ELSEWHERE or key.startswith("model.tokenizer.budget."):
            raise ConfigError(
                f"--set {key} has no effect: the study chooses this setting.",
                remedy=f"Use {ELSEWHERE.get(key, '--tokens')}.",
            )
    paths = [path for path in given if path.startswith("training.")]
    here = project()
    defaults: Given = {"data": here.data, "runs": here.runs}
    if "preset" in here.model_fields_set:
        defaults["model.preset"] = here.preset
    found = configure(
        PretrainConfig,
        {path.removeprefix("training."): given.pop(path) for path in paths},
        defaults=defaults,
        file=file,
        assignments=assignments,
        upgrade=upgraded,
    )
    return found.model_dump(mode="json", exclude_none=True)


def _ladder(coarse: int | None, fine: int | None, given: Given) -> tuple[int, ...]:
    if "levels" in given:
        if coarse is not None or fine is not None:
            raise ConfigError(
                "--levels lists all patches; --coarse and --fine are its ends.",
                remedy="Give either --levels, or --coarse and --fine.",
            )
        return tuple(given["levels"])
    side, last = coarse or 16, fine or 4
    ladder = [side]
    while side > last and side % 2 == 0:
        side //= 2
        ladder.append(side)
    if ladder[-1] != last:
        raise ConfigError(
            f"Halving a patch of {coarse or 16} points never gives {last}.",
            remedy="Name all patches with --levels, such as 12,4.",
        )
    return tuple(ladder)


def show(report: "EqualCostReport") -> None:
    """Print tables, sentences and notes."""
    study = report.study
    for comparison in study.comparisons:
        show_comparison(comparison, study)
    for verdict in report.verdicts:
        render.heading(verdict.sentence)
    for note in study.notes:
        render.note(note)
    render.facts(f"Wrote {study.out / 'report.md'}")
