"""Runs that were stopped: which one goes on, and with which settings."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from matey_core.errors import CheckpointError, ConfigError
from matey_core.files import check_no_links
from matey_core.runs.folder import RunFolder, newest_run
from matey_core.runs.keeping import is_kept
from matey_core.runs.pace import SECONDS
from matey_core.runs.settings import TrainingConfig
from matey_core.training.checkpoint import has_used_its_time

AnyTraining = TypeVar("AnyTraining", bound=TrainingConfig)


def resumable_run(
    runs: Path,
    name: str | None,
    *,
    verb: str,
    read: Callable[[RunFolder], AnyTraining],
    sequence_parallel: int | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    max_hours: float | None = None,
) -> tuple[RunFolder, AnyTraining]:
    """Find the run to continue, and its settings.

    A run that is named and was killed before its first checkpoint begins again.

    Args:
        runs: folder of runs.
        name: the run; without it, the newest one of the verb that has a checkpoint.
        verb: `pretrain` or `finetune`.
        read: reads the settings of such a run.
        sequence_parallel: how many processes share every sample from now on; by default as before.
        steps: of the whole training from now on, at least as many as before.
        minutes: likewise.
        max_hours: that this start may take; by default as many as the one before.

    Raises:
        ConfigError: the training would become shorter, or has no such length.
        CheckpointError: there is none, it is another verb's, or it is complete and kept.
        RunError: something in it is a link, so that writing might change files elsewhere.
    """
    run = RunFolder(runs / name) if name else newest_run(runs, kind=verb, needs=_has_last)
    last = run.checkpoints.last_intact() if run else None
    if run is None or (last is None and (run.has_begun or not run.config.is_file())):
        raise CheckpointError(
            f"{runs / name if name else runs} has no checkpoint to resume from.",
            remedy=f"Start with `matey {verb}`.",
        )
    if (other := run.versions().get("kind", verb)) != verb:
        raise CheckpointError(
            f"{run.path} is a run of `matey {other}`.",
            remedy=f"Continue it with `matey {other} --resume --name {run.path.name}`.",
        )
    check_no_links(run.path, run.checkpoints.path)
    config = _prolonged(read(run), run, steps=steps, minutes=minutes)
    # What a kill during the last save, or before the report, has left undone is done by training
    # no step.
    length = _complete_length(last, config) if last else None
    if last is not None and length is not None and is_kept(run, last) and run.report.is_file():
        raise CheckpointError(
            f"{run.path} is complete: it has {length}.",
            remedy=f"Train further with `matey {verb} --resume --name {run.path.name} "
            f"--{next(iter(config.length))} MORE`, or with `matey finetune`.",
        )
    own = {"sequence_parallel": sequence_parallel, "max_hours": max_hours}
    changed = {key: value for key, value in own.items() if value is not None}
    return run, config.model_copy(update=changed)


def _prolonged(
    config: AnyTraining, run: RunFolder, *, steps: int | None, minutes: float | None
) -> AnyTraining:
    """Give a training more steps or minutes than it had."""
    [(key, old)] = config.length.items()
    for name, asked in {"steps": steps, "minutes": minutes}.items():
        if asked is None or (name == key and asked == old):
            continue
        if name != key or asked < old:
            raise ConfigError(
                f"{run.path} is a training of {old:g} {key}; --resume can only make them more, "
                f"not {name} = {asked:g}.",
                remedy=f"Give --{key} of more than {old:g}, or leave it out.",
            )
        config = config.model_copy(update={name: asked})
    return config


def _complete_length(last: Path, config: TrainingConfig) -> str | None:
    """Say how long a run has trained whose last checkpoint is its end; None where it is not."""
    if config.minutes is None:
        is_complete = int(last.name.removeprefix("step-")) >= config.steps
        return f"all of its {config.steps} steps" if is_complete else None
    is_over = has_used_its_time(last, seconds=SECONDS * config.minutes)
    return f"trained for all of its {config.minutes:g} minutes" if is_over else None


def _has_last(run: RunFolder) -> bool:
    return bool(run.checkpoints.steps())
