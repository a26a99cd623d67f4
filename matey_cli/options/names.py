"""Names of runs, stores and files of settings, for the shell's completion."""

import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from matey_core.hubs.included import INCLUDED
from matey_core.registry import Registry


def run_names(incomplete: str) -> list[str]:
    """Runs whose names begin like this, the newest first, and models that come with matey."""
    found = (file.parent.name for file in _folder("runs").glob("*/config.toml"))
    names = dict.fromkeys([*sorted(found, reverse=True), *INCLUDED])
    return _beginning(names, incomplete)


def store_names(incomplete: str) -> list[str]:
    """Stores of the working directory whose names begin like this."""
    data = _folder("data")
    found = [*data.glob("*.zarr/zarr.json"), *data.glob("zarr/*.zarr/zarr.json")]
    return _beginning(sorted({file.parent.stem for file in found}), incomplete)


def store_or_run_names(incomplete: str) -> list[str]:
    """Runs, then stores, whose names begin like this."""
    return [*run_names(incomplete), *store_names(incomplete)]


def store_weights(incomplete: str) -> list[str]:
    """Stores and an equals sign, behind weights that are complete: `a=2,b=`."""
    done, comma, last = incomplete.rpartition(",")
    return [f"{done}{comma}{name}=" for name in store_names(last)]


def part_names(family: str) -> Callable[[str], list[str]]:
    """Make a completer of the names of a family's parts, behind what ends with a comma or plus.

    Args:
        family: the package, such as `matey_core.criteria`.
    """

    def complete(incomplete: str) -> list[str]:
        cut = max(incomplete.rfind(","), incomplete.rfind("+")) + 1
        names = _beginning(Registry[Any](family).names(), incomplete[cut:])
        return [incomplete[:cut] + name for name in names]

    return complete


def study_names(incomplete: str) -> list[str]:
    """Studies that come with matey."""
    files = resources.files("matey_core.studies") / "files"
    found = sorted(file.name for file in files.iterdir())
    return _beginning((name.removesuffix(".toml") for name in found), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete) and name.isprintable()]


def _folder(name: str) -> Path:
    """The folder `runs` or `data`, or the one that `matey.toml` names instead."""
    folder = Path(name)
    with suppress(OSError, ValueError, RecursionError):
        project = tomllib.loads(Path("matey.toml").read_text(encoding="utf-8-sig"))
        folder = Path(str(project.get(name, folder)))
    return folder
