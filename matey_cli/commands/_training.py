"""What the commands that train have in common: settings, processes, what they print."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from matey_cli import output, render
from matey_cli.commands._following import following
from matey_cli.commands._validation import show_scores
from matey_cli.next_step import name_next
from matey_cli.options import Given, configure, option, options, shares, store_weights
from matey_core.errors import ConfigError
from matey_core.signals import INTERRUPTED, TERMINATED

if TYPE_CHECKING:
    from matey_core.runs.fit import TrainingReport
    from matey_core.runs.settings import TrainingConfig
    from matey_core.runs.start import StartFacts, StoreFacts
    from matey_core.runs.time_plan import TimePlan

PRETRAINING = (
    option("--data"),
    option("--variant", "model.variant", family="matey_core.models"),
    option(
        "--preset",
        "model.preset",
        help="Size of the model; every variant has its own. Those of pyramid have 0.1, 0.2, 0.4, "
        "1.2, 5.7, 31 and 122 million parameters.",
        default="by --minutes; with --steps ti",
    ),
    option("--scheme", "model.scheme", family="matey_core.attention"),
    option("--tokenizer", "model.tokenizer.name", family="matey_core.tokenizers"),
    *options("--history --max-lead --leads"),
    option("--minutes", default="10 on a CPU, 60 on a GPU"),
    option("--steps", default="by --minutes"),
    option(
        "--tokens",
        "model.tokenizer.tokens",
        settings="matey_core.budgets.tokens:TokensConfig",
        setting="tokens",
    ),
)
"""Options of the model, the data and the length of a pretraining."""
TRAINING = (
    *options("--flops --seconds"),
    option("--tokens-range", metavar="FEW,MANY"),
    *options("--compile --batch-size --accumulate"),
    option("--learning-rate", "optimizer.learning_rate"),
    option("--loss", "loss.name"),
    option(
        "--objective", "objective.name", hint="For a measure of error, such as nrmse, use --loss."
    ),
    option("--given"),
    option("--augment"),
    option(
        "--weights",
        parse=shares,
        metavar="NAME=WEIGHT,…",
        example="NAME=2,OTHER=0.5",
        default="by --mix-exponent",
        complete=store_weights,
    ),
    *options(
        "--mix-exponent --workers --seed --precision --device --sequence-parallel --max-hours"
    ),
    option("--logger", default="none"),
    option(
        "--strategy",
        default="by the number of processes",
        help="Strategy that spreads training over processes.",
    ),
)
"""Options of every command that trains."""
MOST_PROCESSES = 64
"""Processes that are started whatever the machine is; on large ones, four for each core."""

Verb = Literal["pretrain", "finetune"]
AnyTraining = TypeVar("AnyTraining", bound="TrainingConfig")
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set any setting, such as schedule.warmup=0.1; may be repeated.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="INTEGER",
        help="Number of processes that train together.  [default: one a GPU, or one]",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Continue the newest run, or the one given by --name, with more --steps or --minutes "
        "if given.",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="TOML file with settings, or laptop or paper, which come with matey; options override "
        "it.",
    ),
]


def train(
    verb: Verb,
    kind: type[AnyTraining],
    given: Given,
    file: Path | None,
    assignments: list[str] | None,
    nproc: int | None,
) -> None:
    """Train as the settings say, in as many processes as were asked for, and print how it went."""
    from matey_core.runs.time_plan import MINUTES_BY_DEVICE, with_length

    config = resolved(verb, kind, given, file, assignments)
    asked = config
    if verb == "pretrain":
        config = with_length(config)
    spread(nproc, config)
    if config is not asked and is_first():
        render.note(
            f"Neither --minutes nor --steps is given: training takes {config.minutes:g} minutes. "
            f"The default is {MINUTES_BY_DEVICE['cpu']:g} on a CPU and "
            f"{MINUTES_BY_DEVICE['cuda']:g} on a GPU."
        )
    work = getattr(import_module(f"matey_core.workflows.{verb}"), verb)
    with advice(verb), following(show_start) as callbacks:
        report = work(config, **callbacks)
    if is_first() and not render.emit(report):
        show_report(report)


def resolved(
    verb: Verb,
    kind: type[AnyTraining],
    given: Given,
    file: Path | None,
    assignments: list[str] | None,
) -> AnyTraining:
    """Lay settings over each other: the project's, those of a file, options and --set."""
    from matey_core.runs.project import project
    from matey_core.runs.upgrade import upgraded

    here = project()
    defaults: Given = {"default_data": here.data, "runs": here.runs}
    if verb == "pretrain":
        defaults = {"data": here.data, "runs": here.runs}
        if "preset" in here.model_fields_set:
            defaults["model.preset"] = here.preset
    return configure(
        kind, given, defaults=defaults, file=file, assignments=assignments, upgrade=upgraded
    )


def spread(nproc: int | None, config: "TrainingConfig") -> None:
    """Start the command again in several processes if that was asked for, and end this one.

    Args:
        nproc: number of processes; None for one a GPU.
        config: settings of the run.

    Raises:
        ConfigError: so many processes cannot share a batch, or the samples.
        typer.Exit: the other processes have done the work, or failed.
    """
    from matey_core.distributed import Place, is_one_of_a_group, launch
    from matey_core.machine import cores
    from matey_core.runs.mixing import check_batch
    from matey_core.runs.processes import num_processes

    if is_one_of_a_group():
        return
    sharing = config.sequence_parallel
    count = nproc or num_processes(
        config.device,
        config.batch_size // config.accumulate,
        sequence_parallel=sharing,
        strategy=config.strategy,
    )
    parts = Place(size=count).sharing(sharing).data_size
    if count == 1:
        return
    if count > (most := max(MOST_PROCESSES, 4 * cores())):
        raise ConfigError(
            f"{count:,} processes are too many for one machine; at most {most} are started.",
            remedy="Take fewer with --nproc or --sequence-parallel; for more machines, torchrun.",
        )
    check_batch(config, parts)
    outcome = launch(("matey_cli", *sys.argv[1:]), num_processes=count)
    if outcome.error_output:
        output.say(outcome.error_output, stream=sys.stderr)
    if outcome.exit_code in (INTERRUPTED, TERMINATED):
        raise SystemExit(outcome.exit_code)  # the first process has said so
    raise typer.Exit(outcome.exit_code)


def is_first() -> bool:
    """Whether this is the process that reports."""
    from matey_core.distributed import place_of_this_process

    return place_of_this_process().is_first


@contextmanager
def advice(verb: Verb) -> Iterator[None]:
    """After a signal, say what was kept and how to go on with it.

    Raises:
        typer.Exit: with the exit code that tells the signal.
    """
    from matey_core.errors import Interrupted

    try:
        yield
    except Interrupted as stop:
        if is_first():
            render.note(
                f"{stop} Continue with `matey {verb} --resume`." if stop.is_kept else str(stop)
            )
        raise typer.Exit(stop.exit_code) from stop


def show_start(start: "StartFacts") -> None:
    """Print what will be trained, on what, where and how."""
    if output.current().quiet:
        return
    values: dict[str, Any] = {"parameters": _parameters(start.parameters.trained)}
    if start.parameters.num_frozen:
        values = {
            "trained": _parameters(start.parameters.trained),
            "frozen": _parameters(start.parameters.frozen),
        }
    processes = f"{start.num_processes} processes, " if start.num_processes > 1 else ""
    about = "about " if start.plan else ""
    values["steps"] = (
        f"{start.step} to {about}{start.steps}"
        if start.step
        else (f"{about}{start.steps}" if about else start.steps)
    )
    values["on"] = f"{start.device}, {processes}{start.precision}: {start.precision_reason}"
    if start.parity:
        values["parity"] = (
            f"bfloat16 differs from float32 by {start.parity.prediction:.2%} in predictions "
            f"and {start.parity.gradient:.2%} in gradients"
        )
    render.facts(str(start.run), **values)
    cuts = any(store.tokens is not None for store in start.stores)
    tokens = ("tokens a frame",) if cuts else ()
    render.table(
        "Trained on",
        ("store", "grid", "trajectories", "windows", *tokens, "GFLOP a sample"),
        [
            (
                render.Lines((store.name, f"  {', '.join(store.fields)}")),
                "×".join(map(str, store.grid)),
                store.trajectories,
                store.windows,
                *([_tokens(store)] if cuts else []),
                None if store.flops is None else 1e-9 * store.flops,
            )
            for store in start.stores
        ],
    )
    for note in start.notes:
        render.note(note)
    if start.plan:
        show_plan(start.plan)


def show_plan(plan: "TimePlan") -> None:
    """Say what the time comes to, and when it ends."""
    until = time.strftime("%H:%M", time.localtime(plan.ends_at))
    milliseconds = render.number(1e3 * plan.step_seconds, digits=3)
    validations = ""
    if plan.validations:
        seconds = render.number(plan.validation_seconds, digits=2)
        validations = f" and {render.counted(plan.validations, 'validation')} of {seconds} s"
    render.note(
        f"{render.counted(plan.minutes, 'minute')}: about {render.counted(plan.steps, 'step')} of "
        f"{milliseconds} ms{validations}, until {until}."
    )
    render.note(f"Size {plan.size}{f': {plan.size_reason}' if plan.size_reason else ''}.")


def show_report(report: "TrainingReport") -> None:
    """Print how good the best weights are and where they lie."""
    show_scores(report.scores, step=report.best_step)
    if report.blended:
        count = len(report.blended)
        on = report.blended[0] if count == 1 else f"{count} stores"
        render.note(f"Rollouts on {on} blend first frames with local linear; scores here do not.")
    if report.skipped:
        render.note(f"{report.skipped} steps were skipped: their loss was not finite.")
    more = {"report": report.page} if report.page else {}
    render.facts(
        f"Wrote {report.model}",
        steps=report.steps,
        time=render.duration(report.seconds),
        **more,
    )
    name_next("rollout", report.run.name, runs=report.run.parent)


def _parameters(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    return f"{sum(counts.values()):,} ({parts})"


def _tokens(store: "StoreFacts") -> str | None:
    if store.tokens is None:
        return None
    if store.fewest_tokens == store.most_tokens:
        return str(store.most_tokens)
    return f"{store.fewest_tokens}–{store.most_tokens}, mean {store.tokens:.0f}"
