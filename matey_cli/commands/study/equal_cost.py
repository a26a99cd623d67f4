"""Train uniform and adaptive tokens at equal cost, and say who wins."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from matey_cli import render
from matey_cli.commands._options import (
    BatchSize,
    History,
    MaxLead,
    PrecisionName,
    Preset,
    names,
    sizes,
)
from matey_cli.commands._training import Assignments, SettingsFile
from matey_cli.options import configure
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.studies.equal_cost import StudyPlan
    from matey_core.studies.equal_cost.costs import ArmCost
    from matey_core.studies.equal_cost.report import Judged, StudyReport
    from matey_core.studies.equal_cost.results import ArmResult, Interval
    from matey_core.workflows.pretrain import PretrainConfig

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
}
"""Settings that the study chooses, and the options that decide them."""


def equal_cost(
    data: Annotated[
        str | None,
        typer.Option(help="Folder or s3://… of stores, or a store.  [default: data]"),
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option(help="Name of a store; may be repeated.  [default: all that can be used]"),
    ] = None,
    arms: Annotated[
        str, typer.Option(help="Tokenizers, or names or patterns of arms, such as adap_mix-16-4-*.")
    ] = "uniform,adap_mix,adap_mul",
    coarse: Annotated[
        int | None,
        typer.Option(min=1, help="Coarsest patch, halved down to --fine.  [default: 16]"),
    ] = None,
    fine: Annotated[int | None, typer.Option(min=1, help="Finest patch.  [default: 4]")] = None,
    levels: Annotated[
        str | None, typer.Option(help="All patches instead, coarse to fine, such as 16,8,4.")
    ] = None,
    criterion: Annotated[
        str, typer.Option(help="What adaptive arms choose cells by; several with commas.")
    ] = "variance",
    tokens: Annotated[
        str,
        typer.Option(help="Budgets of adaptive arms: numbers, or parts of the finest uniform's."),
    ] = "40%,60%",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of every arm.")] = 3,
    seconds: Annotated[
        float, typer.Option(min=0.01, help="Training time of every cell at equal seconds.")
    ] = 600.0,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, help="Steps at equal steps.  [default: the finest uniform's in --seconds]"
        ),
    ] = None,
    only: Annotated[
        Literal["seconds", "steps"] | None, typer.Option(help="Make one comparison, not both.")
    ] = None,
    learning_rates: Annotated[
        str | None,
        typer.Option(
            help="Tried with every arm; the best on validation data counts.  [default: 0.001]"
        ),
    ] = None,
    metric: Annotated[
        Literal["nrmse", "vrmse", "rollout"], typer.Option(help="Which error decides.")
    ] = "nrmse",
    rollout_steps: Annotated[
        int, typer.Option(min=1, help="Frames of the rollouts on test trajectories.")
    ] = 10,
    preset: Preset = None,
    batch_size: BatchSize = None,
    history: History = None,
    max_lead: MaxLead = None,
    precision: PrecisionName = None,
    measure: Annotated[
        float, typer.Option(min=0.01, help="Seconds of steps of every arm, before training.")
    ] = 5.0,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the study.  [default: runs/study-STORE; of several stores "
            "runs/study-equal-cost]",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Measure, say how long it will take, and stop.")
    ] = False,
    config: SettingsFile = None,
    assignments: Assignments = None,
) -> None:
    r"""Train uniform and adaptive tokens at equal cost, and say who wins.

    Arms are the uniform patches of a ladder, and adap_mix and adap_mul at a few
    numbers of tokens, straight from coarse to fine and over all levels. What a
    step of each costs is measured first, in turns. Then every arm is trained with
    every seed, for equal seconds and for equal steps, and tested on test
    trajectories. The report, in OUT, has figures with intervals, a picture, and
    one plain sentence by rule. A study that was stopped goes on with the same
    command.

    \b
      matey study equal-cost --plan
      matey study equal-cost --seconds 120 --set model.width=96 --set model.depth=4
      matey study equal-cost --only steps --steps 500 --arms uniform,adap_mix --tokens 205
    """
    from matey_core.locations import location
    from matey_core.runs.project import project
    from matey_core.studies.equal_cost import EqualCostConfig
    from matey_core.studies.equal_cost import equal_cost as work

    here = project()
    training = _training(
        {"data": here.data, "runs": here.runs, "model.preset": here.preset},
        {
            "model.preset": preset,
            "batch_size": batch_size,
            "history": history,
            "max_lead": max_lead,
            "precision": precision,
        },
        config,
        assignments,
    )
    study = EqualCostConfig(
        data=location(data) if data else training.data,
        store=tuple(store or ()),
        out=out,
        arms=names(arms) or (),
        levels=_ladder(coarse, fine, levels),
        criteria=names(criterion) or (),
        tokens=names(tokens) or (),
        seeds=seeds,
        seconds=seconds,
        steps=steps,
        only=only,
        learning_rates=_rates(learning_rates),
        metric=metric,
        rollout_steps=rollout_steps,
        measure=measure,
        training=training,
    )

    def on_plan(found: "StudyPlan") -> bool:
        _show_plan(found, is_all=plan)
        return not plan

    try:
        with render.progress() as on_progress:
            report = work(study, on_progress, on_plan=on_plan)
    except KeyboardInterrupt:
        render.note("Finished cells are kept. Go on with the same command.")
        raise
    if report is not None and not render.emit(report):
        _show(report)


def _training(
    defaults: dict[str, Any],
    options: dict[str, Any],
    file: Path | None,
    assignments: list[str] | None,
) -> "PretrainConfig":
    from matey_core.runs.upgrade import upgraded
    from matey_core.workflows.pretrain import PretrainConfig

    for assignment in assignments or ():
        key = assignment.partition("=")[0].strip()
        if key in ELSEWHERE:
            raise ConfigError(
                f"--set {key} has no effect here: the study chooses it.",
                remedy=f"Use {ELSEWHERE[key]}.",
            )
    given = {path: value for path, value in options.items() if value is not None}
    return configure(
        PretrainConfig,
        given,
        defaults=defaults,
        file=file,
        assignments=assignments,
        upgrade=upgraded,
    )


def _ladder(coarse: int | None, fine: int | None, levels: str | None) -> tuple[int, ...]:
    if levels is not None:
        if coarse is not None or fine is not None:
            raise ConfigError(
                "--levels lists all patches; --coarse and --fine are its ends.",
                remedy="Give either --levels, or --coarse and --fine.",
            )
        return sizes(levels, example="16,8,4") or ()
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


def _rates(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no list of learning rates; write it as 0.0005,0.001"
        ) from None


def _show_plan(plan: "StudyPlan", *, is_all: bool) -> None:
    if is_all and not render.emit(plan):
        for store, costs in plan.costs.items():
            render.table(
                f"{store}: a step with a whole batch, {plan.precision}",
                ("arm", "tokens", "GFLOP", "ms", "parameters"),
                [_cost(cost) for cost in costs],
            )
    done = f", {plan.finished} of them finished" if plan.finished else ""
    text = f"{plan.cells} cells{done}; the others take about {render.duration(plan.seconds)}."
    if is_all:
        render.caption(text)
    else:
        render.note(f"{plan.out}: {text}")


def _cost(cost: "ArmCost") -> tuple[object, ...]:
    return (
        cost.arm,
        f"{cost.tokens:.0f}",
        render.number(1e-9 * cost.flops, digits=3),
        render.number(1e3 * cost.step_seconds, digits=3),
        cost.parameters,
    )


def _show(report: "StudyReport") -> None:
    for store in report.stores:
        for judged in store.comparisons:
            _show_comparison(judged, report)
    for store in report.stores:
        for judged in store.comparisons:
            render.heading(judged.verdict.sentence)
    for note in report.notes:
        render.note(note)
    render.facts(f"Wrote {report.out / 'report.md'}")


def _show_comparison(judged: "Judged", report: "StudyReport") -> None:
    comparison = judged.comparison
    unit = "s" if comparison.equal == "seconds" else "steps"
    count = len(comparison.seeds)
    render.table(
        f"{comparison.store}, equal {comparison.equal}: {comparison.amount:g} {unit}",
        ("arm", "tokens", "ms", "steps", report.metric, "ratio", ""),
        [_row(each, report.metric) for each in comparison.arms],
        caption=f"Test trajectories, median of {count} seed{'' if count == 1 else 's'}; ratio to "
        f"{comparison.fine.arm.name}, seed by seed, smallest to largest.",
    )


def _row(each: "ArmResult", metric: str) -> tuple[object, ...]:
    ratio = each.ratios[metric]
    return (
        each.arm.name,
        f"{each.cost.tokens:.0f}",
        render.number(1e3 * each.cost.step_seconds, digits=3),
        each.steps,
        render.number(each.errors[metric].median, digits=3),
        f"{ratio.median:.2f}",
        _range(ratio),
    )


def _range(interval: "Interval") -> str:
    return f"{interval.low:.2f}–{interval.high:.2f}" if len(interval.values) > 1 else ""
