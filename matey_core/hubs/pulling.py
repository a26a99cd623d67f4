"""Shared runs, copied into the folder of runs."""

from pathlib import Path

from matey_core.durable import written
from matey_core.errors import ConfigError
from matey_core.hubs import Hub, checked_files, checked_name, is_hub_name, open_hub
from matey_core.hubs.folder import FolderHub
from matey_core.hubs.included import INCLUDED, WEIGHTS


def folder_name(name: str) -> str:
    """Name of the run's folder: OWNER--NAME."""
    return checked_name(name).replace("/", "--")


def pull(name: str, hub: Hub, *, runs: Path, folder: str | None = None) -> Path:
    """Copy a shared run into the folder of runs.

    Args:
        name: OWNER/NAME, or `hub:OWNER/NAME`.
        hub: where it is.
        runs: folder of runs.
        folder: name of the new run's folder; by default OWNER--NAME.

    Returns:
        The new run's folder.

    Raises:
        ConfigError: there is a run of this name.
        CheckpointError: it is no shared run, or has names that lead elsewhere.
    """
    name = checked_name(name)
    place = runs / (folder or folder_name(name))
    if place.exists():
        raise ConfigError(
            f"There is a run {place} already.",
            remedy="Choose another --name, or remove that folder.",
        )
    files = checked_files(name, hub.files(name))
    with written(place) as partial:
        (partial / "model").mkdir(parents=True)
        for file in files:
            hub.fetch(name, file, partial / file)
    return place


def pulled(name: str | Path, *, hub: str | None, runs: Path) -> Path | None:
    """Find a run that is shared or comes with the package, and pull it if it is not here yet.

    Args:
        name: `hub:OWNER/NAME`, or the name of a model that comes with the package.
        hub: folder that serves as hub; None for Hugging Face.
        runs: folder of runs.

    Returns:
        The folder in `runs`, or None for every other name.
    """
    if is_hub_name(name):
        place = runs / folder_name(str(name))
        return place if place.exists() else pull(str(name), open_hub(hub), runs=runs)
    if (included := INCLUDED.get(str(name))) is None:
        return None
    place = runs / name
    if place.exists():
        return place
    return pull(included, FolderHub(WEIGHTS), runs=runs, folder=str(name))
