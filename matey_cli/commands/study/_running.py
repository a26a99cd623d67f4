"""Options and output that the study commands share."""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matey_cli import render
from matey_cli.next_step import name_next
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.progress import OnProgress
    from matey_core.studies.comparison import ArmResult, Comparison
    from matey_core.studies.plan import StudyPlan
    from matey_core.studies.report import StudyReport

Jobs = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="INTEGER",
        help="Number of cells trained in parallel, each with one thread if there are several.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="Folder of the study.  [default: runs/study-NAME]", show_default=False
    ),
]
RunsFolder = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Folder of the runs.  [default: runs]", show_default=False),
]
Plan = Annotated[
    bool, typer.Option("--plan", help="Measure the time of a step, print the plan, and stop.")
]
StudySettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set anything in the file, such as finetuning.steps=200; may be repeated.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What was typed of the options that every study of cells has."""

    jobs: int
    out: Path | None
    plan: bool
    assignments: list[str] | None
    runs: Path | None


def with_run_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `RunOptions`; it takes them together, as `how`."""

    def read(
        jobs: Jobs = 1,
        out: Out = None,
        plan: Plan = False,
        assignments: StudySettings = None,
        runs: RunsFolder = None,
    ) -> RunOptions:
        return RunOptions(jobs=jobs, out=out, plan=plan, assignments=assignments, runs=runs)

    shared = inspect.signature(read).parameters

    @functools.wraps(function)
    def call(*positional: Any, **values: Any) -> None:
        how = read(**{name: values.pop(name) for name in shared})
        function(*positional, **values, how=how)

    own = [each for each in inspect.signature(function).parameters.values() if each.name != "how"]
    parameters = [*own, *shared.values()]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call


def run_file(file: Path, how: RunOptions, *, given: Sequence[str] = ()) -> None:
    """Run a study's file, and show what came out.

    Args:
        file: path of the file, or the name of one that comes with matey.
        how: options of the command.
        given: settings that its other options stand for, as `KEY=VALUE`.
    """
    from matey_core.runs.project import project
    from matey_core.studies.kinds import Way
    from matey_core.studies.reading import read_study

    study = read_study(file, (*given, *(how.assignments or ())))
    if not study.has_cells and (how.plan or how.jobs > 1):
        raise ConfigError(
            f"--plan and --jobs have no effect on a study of the kind "
            f"{study.part!r}, which trains no cells.",
            remedy="Leave out --plan and --jobs.",
        )
    with running() as on_progress:
        report = study.carry_out(
            Way(
                out=how.out,
                runs=how.runs or project().runs,
                jobs=how.jobs,
                on_progress=on_progress,
                on_plan=lambda found: show_plan(found, is_all=how.plan),
            )
        )
    if report is None:
        return
    if not render.emit(report):
        _shower(type(study).model_fields["kind"].default)(report)
        if study.has_cells:
            name_next("runs", "--runs", report.out / "runs")
    if getattr(report, "fails", False):
        raise typer.Exit(1)


def _shower(kind: str) -> Callable[[Any], None]:
    """Return the function that prints the report of a kind of study."""
    try:
        command = importlib.import_module(f"matey_cli.commands.study.{kind}")
    except ModuleNotFoundError:
        return show
    return getattr(command, "show", show)


@contextmanager
def running() -> "Iterator[OnProgress]":
    """Show progress, and after Ctrl-C print a note on finished cells."""
    try:
        with render.progress() as on_progress:
            yield on_progress
    except KeyboardInterrupt:
        render.note("Finished cells are kept. The same command continues.")
        raise


def show_plan(plan: "StudyPlan", *, is_all: bool) -> bool:
    """Print the plan; with all details if nothing else will be done.

    Returns:
        Whether to go on.
    """
    if is_all and not render.emit(plan):
        render.table(
            "Steps",
            ("arm", "ms"),
            [
                (arm, render.number(1e3 * seconds, digits=3))
                for arm, seconds in plan.step_seconds.items()
            ],
        )
    shares = plan.pretrainings < plan.cells - plan.finished
    plural = "" if plan.pretrainings == 1 else "s"
    first = f" and {plan.pretrainings} pretraining{plural} that they share" if shares else ""
    done = f", {plan.finished} of them finished; the others" if plan.finished else ""
    text = f"{plan.cells} cells{done}{first} take about {render.duration(plan.seconds)}."
    if is_all:
        render.caption(text)
    else:
        render.note(f"{plan.out}: {text}")
    for note in plan.notes:
        render.note(note)
    return not is_all


def show(report: "StudyReport") -> None:
    """Print tables, verdicts and notes."""
    for comparison in report.comparisons:
        show_comparison(comparison, report)
    for verdict in report.verdicts:
        render.heading(f"{verdict.outcome} ({verdict.level}): {verdict.sentence}")
    for note in report.notes:
        render.note(note)
    render.facts(f"Wrote {report.out / 'report.md'}")


def show_comparison(comparison: "Comparison", report: "StudyReport") -> None:
    """Print the table of one comparison."""
    count = len(comparison.seeds)
    from matey_core.studies.words import title

    interval = {"range": "smallest to largest", "bootstrap": "95 % by bootstrap"}
    render.table(
        title(comparison),
        ("arm", "steps", report.metric, "", "ratio", ""),
        [_row(each, report.metric) for each in comparison.arms],
        caption=f"Test trajectories, median of {count} seed{'' if count == 1 else 's'}, "
        f"{interval[comparison.intervals]}; ratio to {comparison.reference}, seed by seed.",
    )


def _row(each: "ArmResult", metric: str) -> tuple[object, ...]:
    error, ratio = each.errors[metric], each.ratios[metric]
    spread, spread_of_ratio = "", ""
    if len(error.values) > 1:
        low, high = render.number(error.low, digits=3), render.number(error.high, digits=3)
        spread, spread_of_ratio = f"{low}–{high}", f"{ratio.low:.2f}–{ratio.high:.2f}"
    return (
        each.arm,
        each.steps,
        render.number(error.median, digits=3),
        spread,
        f"{ratio.median:.2f}",
        spread_of_ratio,
    )
