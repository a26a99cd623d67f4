"""What the commands that train have in common: settings, processes, what they print."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from matey_cli import output, render
from matey_core.errors import ConfigError

if TYPE_CHECKING:
    from matey_core.runs.fit import TrainingReport
    from matey_core.runs.settings import TrainingConfig
    from matey_core.runs.start import StartFacts, StoreFacts


def settings(
    kind: "type[TrainingConfig]",
    defaults: Mapping[str, Any],
    file: Path | None,
    options: Mapping[str, Any],
    assignments: list[str] | None,
) -> dict[str, Any]:
    """Lay settings over each other: defaults, a file, options, `--set`.

    Args:
        kind: settings class that shall read them; what earlier versions called otherwise gets
            the name of today.
        defaults: path of a setting, such as "model.preset" -> value.
        file: TOML, or None.
        options: like `defaults`; None stands for an option that was not given.
        assignments: `key=value`.
    """
    from matey_core.config import read_toml, with_settings
    from matey_core.runs.upgrade import upgraded

    values: dict[str, Any] = {}
    _lay(values, _nested(defaults))
    if file is not None:
        _lay(values, upgraded(kind, read_toml(file), source=str(file)))
    _lay(values, _nested({key: value for key, value in options.items() if value is not None}))
    return upgraded(kind, with_settings(values, assignments or ()), source="settings")


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = path.split(".")
        place = nested
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = str(value) if isinstance(value, Path) else value
    return nested


def _lay(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _lay(below[key], value)
        else:
            below[key] = dict(value) if isinstance(value, Mapping) else value


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
    from matey_core.runs.processes import num_processes

    if is_one_of_a_group():
        return
    batch_size, sharing = config.batch_size, config.sequence_parallel
    count = nproc or num_processes(config.device, batch_size, sequence_parallel=sharing)
    parts = Place(size=count).sharing(sharing).data_size
    if count == 1:
        return
    if batch_size % parts:
        who = f"{count} processes" if sharing == 1 else f"{parts} groups of {sharing} processes"
        raise ConfigError(
            f"A batch of {batch_size} cannot be shared evenly by {who}.",
            remedy=f"Use --batch-size {parts * max(1, batch_size // parts)}, or another --nproc.",
        )
    outcome = launch(("matey_cli", *sys.argv[1:]), num_processes=count)
    if outcome.complaint:
        output.say(outcome.complaint, stream=sys.stderr)
    raise typer.Exit(outcome.exit_code)


def is_first() -> bool:
    """Whether this is the process that reports."""
    from matey_core.distributed import place_of_this_process

    return place_of_this_process().is_first


def go_on(
    verb: Literal["pretrain", "finetune"],
    runs: Path | None,
    name: str | None,
    others: Mapping[str, Any],
    *,
    nproc: int | None,
    sequence_parallel: int | None,
) -> None:
    """Continue a run that was stopped, and print how it went.

    Args:
        verb: what the run was started by.
        runs: folder of runs.
        name: the run; by default the newest one of the verb.
        others: options that cannot be changed; None stands for one that was not given.
        nproc: number of processes; None for one a GPU.
        sequence_parallel: how many processes share every sample; by default as many as before.

    Raises:
        ConfigError: another option is given.
        CheckpointError: there is nothing to continue.
    """
    from matey_core.runs.project import project
    from matey_core.runs.resuming import resumable_run

    if given := [key.rpartition(".")[2] for key, value in others.items() if value is not None]:
        raise ConfigError(
            f"--resume goes on with the settings of the run; {', '.join(given)} cannot be changed.",
            remedy="Leave these options out, or start a new run without --resume.",
        )
    workflow = import_module(f"matey_core.workflows.{verb}")
    folder = runs or project().runs
    run, config = resumable_run(folder, name, verb=verb, read=workflow.run_config)
    sharing = sequence_parallel or config.sequence_parallel
    spread(nproc, config.model_copy(update={"sequence_parallel": sharing}))
    with advice(verb), render.progress() as on_progress:
        report = workflow.resume(
            folder, run.path.name, on_progress, sequence_parallel=sharing, on_start=show_start
        )
    if is_first() and not render.emit(report):
        show_report(report)


@contextmanager
def advice(verb: Literal["pretrain", "finetune"]) -> Iterator[None]:
    """After Ctrl-C, say what was kept and how to go on with it."""
    from matey_core.runs.fit import Interrupted

    try:
        yield
    except Interrupted as stop:
        if is_first():
            go_on = f" Continue with `matey {verb} --resume`." if stop.is_kept else ""
            render.note(f"{stop}{go_on}")
        raise


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
    values["steps"] = f"{start.step} to {start.steps}" if start.step else start.steps
    values["on"] = f"{start.device}, {processes}{start.precision}: {start.precision_reason}"
    if start.parity:
        values["parity"] = (
            f"bfloat16 differs from float32 by {start.parity.prediction:.2%} in predictions "
            f"and {start.parity.gradient:.2%} in gradients"
        )
    render.facts(str(start.run), **values)
    render.table(
        "Trained on",
        ("store", "grid", "trajectories", "windows", "tokens a frame", "GFLOP a sample"),
        [
            (
                f"{store.name}\n  {', '.join(store.fields)}",
                "×".join(map(str, store.grid)),
                store.trajectories,
                store.windows,
                _tokens(store),
                None if store.flops is None else 1e-9 * store.flops,
            )
            for store in start.stores
        ],
    )
    for note in start.notes:
        render.note(note)


def show_report(report: "TrainingReport") -> None:
    """Print how good the best weights are and where they lie."""
    if report.scores:
        render.table(
            "Validation",
            ("store", "lead", "nRMSE", "persistence", "ratio"),
            [
                (score.store, score.lead_steps, score.error, score.persistence, score.relative)
                for score in report.scores
            ],
            caption=f"Mean over fields, step {report.best_step}. Persistence repeats the last "
            "known frame.",
        )
    if report.skipped:
        render.note(f"{report.skipped} steps were skipped: their loss was not finite.")
    render.facts(f"Wrote {report.model}", steps=report.steps, time=render.duration(report.seconds))


def _parameters(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    return f"{sum(counts.values()):,} ({parts})"


def _tokens(store: "StoreFacts") -> str | None:
    if store.tokens is None:
        return None
    if store.fewest_tokens == store.most_tokens:
        return str(store.most_tokens)
    return f"{store.fewest_tokens}–{store.most_tokens}, mean {store.tokens:.0f}"
