"""A new run: its folder, its name, its settings, and how it was started."""

import importlib.metadata
import json
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import torch

from matey_core.config import Config, write_toml
from matey_core.durable import make_folder, written
from matey_core.errors import ConfigError, MateyError, RunError
from matey_core.runs.circumstances import circumstances
from matey_core.runs.folder import NAME, RunFolder, order_of
from matey_core.version import __version__

PACKAGES = ("numpy", "safetensors", "torch", "zarr")


def create_run(runs: Path, config: Config, *, kind: str, name: str | None) -> RunFolder:
    """Make a run's folder with its settings and versions.

    Args:
        runs: folder of all runs.
        config: resolved settings.
        kind: the command, such as "pretrain"; without a name, runs are numbered by it.
        name: the folder's name.

    Raises:
        ConfigError: the name is taken or no name of a folder.
        RunError: the folder cannot be written.
    """
    if name is not None and not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a run: letters, digits, '-', '_' and '.' are allowed,"
            " 200 of them at most.",
            remedy="Choose another --name, such as thermals-1; --runs names the folder.",
        )
    path = runs / (name or _next_name(runs, kind))
    try:
        make_folder(path, exist_ok=_is_left_over(path))
        facts = {
            "kind": kind,
            "started": datetime.now(UTC).isoformat(),
            "order": _next_order(runs),
            **circumstances(),
            **versions(),
        }
        with written(path / "versions.json") as partial:
            partial.write_text(json.dumps(facts, indent=1), encoding="utf-8")
        with written(path / "config.toml") as partial:  # with it the folder is a run
            write_toml(config, partial)
    except FileExistsError as error:
        raise ConfigError(
            f"There is a run {path} already.",
            remedy="Choose another --name, or remove that folder, or continue it with --resume.",
        ) from error
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error
    return RunFolder(path)


def _is_left_over(path: Path) -> bool:
    """Whether a folder is what a kill while it was made has left, which is nothing of value."""
    names = {each.name for each in path.iterdir()} if path.is_dir() else set()
    return all(name == "versions.json" or name.endswith(".partial") for name in names)


def versions() -> dict[str, str]:
    """Versions of what numbers depend on, and the machine."""
    return {
        "matey": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def _next_order(runs: Path) -> int:
    """One more than the runs beside have at most."""
    found = [0]
    for record in runs.glob("*/versions.json"):
        with suppress(MateyError):
            found.append(order_of(RunFolder(record.parent).strict_versions())[0])
    return 1 + max(found)


def _next_name(runs: Path, kind: str) -> str:
    taken = [path.name.removeprefix(f"{kind}-") for path in runs.glob(f"{kind}-*")]
    return (
        f"{kind}-{1 + max([int(number) for number in taken if number.isdecimal()], default=0):03d}"
    )
