"""`--resume`: which run goes on, and which options may stand beside it."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matey_cli import render
from matey_cli.commands._following import following
from matey_cli.commands._training import (
    Verb,
    advice,
    is_first,
    show_report,
    show_start,
    spread,
)
from matey_cli.options import Given, configure
from matey_core.errors import ConfigError, MateyError

if TYPE_CHECKING:
    from matey_core.runs.settings import TrainingConfig

CHANGEABLE = ("runs", "name", "sequence_parallel", "max_hours")
"""Settings that may be given with --resume, whatever the run has."""
MEASURED = ("flops", "seconds")
"""Settings that a run does not keep: it keeps the number of tokens that they came to."""


def go_on(
    verb: Verb,
    given: Given,
    file: Path | None,
    assignments: list[str] | None,
    nproc: int | None,
) -> None:
    """Continue a run that was stopped, and print how it went.

    Raises:
        ConfigError: a setting is given that cannot be changed.
        CheckpointError: there is nothing to continue.
    """
    from matey_core.locations import is_url, location
    from matey_core.runs.project import project
    from matey_core.runs.resuming import resumable_run

    # Whoever goes on has to give the address of stores in object storage again.
    data = location(given["data"]) if is_url(str(given.get("data", ""))) else None
    workflow = import_module(f"matey_core.workflows.{verb}")
    folder = Path(given["runs"]) if "runs" in given else project().runs
    length: dict[str, Any] = {key: given[key] for key in ("steps", "minutes") if key in given}
    run, config = resumable_run(
        folder, given.get("name"), verb=verb, read=workflow.run_config, **length
    )
    open_to = (*CHANGEABLE, "data") if data is not None else CHANGEABLE
    kept = {path: value for path, value in given.items() if path not in open_to}
    refuse_changes(config, kept, file, assignments)
    sharing = given.get("sequence_parallel", config.sequence_parallel)
    spread(nproc, config.model_copy(update={"sequence_parallel": sharing}))
    with advice(verb), following(show_start) as callbacks:
        report = workflow.resume(
            folder,
            run.path.name,
            sequence_parallel=sharing,
            data=data,
            max_hours=given.get("max_hours"),
            **length,
            **callbacks,
        )
    if is_first() and not render.emit(report):
        show_report(report)


def refuse_changes(
    config: "TrainingConfig", given: Given, file: Path | None, assignments: list[str] | None
) -> None:
    """Compare what was typed with the settings of a run.

    Args:
        config: settings of the run, prolonged as was asked for.
        given: path of a setting -> value.
        file: further settings, or None.
        assignments: likewise, as `key=value`.

    Raises:
        ConfigError: names every setting that the run has otherwise.
    """
    from matey_core.runs.upgrade import upgraded

    found = {key: value for key, value in given.items() if not _is_same_source(config, key, value)}
    own = config.model_dump(mode="json", exclude_none=True)
    others = [key for key in found if key in MEASURED]
    if not others and (found or file or assignments):
        typed = configure(
            type(config), found, defaults=own, file=file, assignments=assignments, upgrade=upgraded
        )
        others = list(_differences(own, typed.model_dump(mode="json", exclude_none=True)))
    if others := [key for key in others if key not in CHANGEABLE]:
        raise ConfigError(
            f"--resume continues with the settings of the run; {', '.join(others)} cannot be "
            "changed.",
            remedy="Leave these options out, or start a new run without --resume.",
        )


def _is_same_source(config: "TrainingConfig", key: str, value: Any) -> bool:
    """Whether a fine-tuning started from the model that is named: runs keep its folder."""
    from matey_core.runs.trained import find_trained

    if key != "source":
        return False
    try:
        return find_trained(Path(value), runs=config.runs).path == getattr(config, key)
    except MateyError:
        return False


def _differences(
    one: Mapping[str, Any], other: Mapping[str, Any], above: str = ""
) -> Iterator[str]:
    """Paths of the settings that differ."""
    for key in sorted(one.keys() | other.keys()):
        old, new, path = one.get(key), other.get(key), f"{above}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{path}.")
        elif old != new:
            yield path
