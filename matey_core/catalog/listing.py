"""All runs of a folder, and one of them by its name."""

from dataclasses import dataclass
from pathlib import Path

from matey_core.catalog.run import RunRecord, read_run
from matey_core.errors import CheckpointError
from matey_core.hubs.pulling import pulled
from matey_core.runs.project import project


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """Runs, the newest first."""

    folder: Path
    runs: tuple[RunRecord, ...]
    damaged: dict[str, str]
    """Name → why the run cannot be read."""


def list_runs(folder: Path) -> RunList:
    """Read every run of a folder.

    Raises:
        CheckpointError: there is none.
    """
    found, damaged = [], {}
    for file in sorted(folder.glob("*/config.toml")):
        try:
            found.append(read_run(file.parent))
        except CheckpointError as error:
            damaged[file.parent.name] = str(error)
    if not found and not damaged:
        raise CheckpointError(
            f"{folder} has no run.", remedy="Make one with `matey pretrain`, or name --runs."
        )
    # The newest first: other commands take it where none is named.
    found.sort(key=lambda run: (run.order, run.started), reverse=True)
    return RunList(folder=folder, runs=tuple(found), damaged=damaged)


def find_run(name: str | Path, *, runs: Path) -> Path | None:
    """The folder of a run, by its path or its name in `runs`; None if there is no such run."""
    for path in (Path(name), runs / name):
        if (path / "config.toml").is_file() and (path / "versions.json").is_file():
            return path
    return pulled(name, hub=project().hub, runs=runs)
