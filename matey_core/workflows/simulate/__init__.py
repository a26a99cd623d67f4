"""Make training data with a reference solver, in PDEBench's layout or as a store."""

import json
import math
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py

from matey_core.containers.trial import check_metadata
from matey_core.conversion.source_files import check_space
from matey_core.errors import ConfigError, DataError, Interrupted, RunError
from matey_core.files import read_json
from matey_core.progress import OnProgress, silent
from matey_core.readers.pdebench.names import stem
from matey_core.simulators import SIMULATORS, Simulator
from matey_core.store.split import Split
from matey_core.version import __version__
from matey_core.workflows.simulate.layouts import write_hdf5
from matey_core.workflows.simulate.parts import Parts
from matey_core.workflows.simulate.settings import SimulateConfig
from matey_core.workflows.simulate.solving import Run, workers_for
from matey_core.workflows.simulate.store import store_of
from matey_core.workflows.simulate.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A solution that is not in the file."""

    seed: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateReport:
    """What was written, and what was not."""

    simulator: str
    path: Path
    samples: int
    """Trajectories in the file."""
    shape: tuple[int, ...]
    """Frames, fields and points along each axis."""
    left_out: tuple[LeftOut, ...]
    """Solutions that became non-finite or did not keep what the equations keep."""
    num_bytes: int
    seconds: float
    resumed: int
    """Trajectories that an earlier, interrupted call had finished."""


def simulate(
    config: SimulateConfig, on_progress: OnProgress = silent, workers: Workers | None = None
) -> SimulateReport:
    """Write trajectories of one equation to a new HDF5 file or store.

    What was solved when the work was stopped, even by a kill, is kept by the next call with
    the same settings; it may ask for more samples.

    Args:
        config: what to simulate.
        on_progress: called after every frame of every batch.
        workers: processes that are there already; by default as `config` says.

    Raises:
        ConfigError: an unknown simulator or setting, a file that exists, too many samples.
        RunError: no solution could be kept, or the file could not be written.
        Interrupted: Ctrl-C.
    """
    began = time.perf_counter()
    settings = config.resolved()
    simulator = settings.build()
    config.check_seeds(simulator.layout)
    if config.compile and not simulator.can_compile:
        raise ConfigError(
            f"--compile: steps of {config.simulator.replace('_', '-')} cannot be compiled, or are "
            "none.",
            remedy="Leave --compile out.",
        )
    path = target(config, simulator)
    if path.exists() and not config.overwrite:
        raise ConfigError(
            f"{path} exists already.",
            remedy="Add --overwrite to replace it, or choose another place with --out.",
        )
    seeds = range(config.seed, config.seed + config.samples)
    plan = plan_of(config)
    parts = Parts(path.with_name(f"{stem(path.name)}.simulated"))
    with _disk_errors(path):
        spec = simulator.spec
        shape = (simulator.num_frames, len(spec.fields), *spec.grid.shape)
        path.parent.mkdir(parents=True, exist_ok=True)
        with parts.opened(plan):
            left = [seed for seed in seeds if seed not in parts.done]
            resumed = len(seeds) - len(left)
            check_space(path.parent, _num_bytes(shape) * (len(left) + len(seeds)))
            try:
                _solve(config, parts, seeds, on_progress, workers)
            except KeyboardInterrupt as error:
                raise Interrupted(_kept(parts, path)) from error
            left_out = _left_out(parts, seeds)
            if len(left_out) == len(seeds):
                raise RunError(
                    f"{config.simulator}: none of {len(seeds)} solutions can be kept; "
                    f"seed {left_out[0].seed}: {left_out[0].reason}.",
                    remedy="Choose milder settings, a finer --grid or --dtype float64.",
                )
            _publish(config, simulator, path, parts, seeds)
            parts.clear()
    return SimulateReport(
        simulator=config.simulator,
        path=path,
        samples=len(seeds) - len(left_out),
        shape=shape,
        left_out=left_out,
        num_bytes=_size(path),
        seconds=time.perf_counter() - began,
        resumed=resumed,
    )


def simulate_once(
    config: SimulateConfig, on_progress: OnProgress = silent, workers: Workers | None = None
) -> tuple[Path, SimulateReport | None]:
    """Simulate, unless the same file or store is there already.

    Returns:
        Its path, and the report; None where it was there.

    Raises:
        ConfigError: a file of another making is in the way, and all that `simulate` refuses.
        RunError: no solution could be kept, or the file could not be written.
        Interrupted: Ctrl-C.
    """
    path = target(config, config.resolved().build())
    if config.overwrite or not path.exists():
        return path, simulate(config, on_progress, workers)
    wanted = plan_of(config) | {"seed": config.seed, "samples": config.samples}
    wanted["split"] = list(config.split)
    found = {"split": list(Split().shares)} | made_by(path)
    for name in ("simulator", "settings", "seed", "samples", "dtype", "split"):
        if found.get(name) != wanted[name]:
            raise ConfigError(
                f"{path} exists, and was made with {name} {found.get(name)!r}, not "
                f"{wanted[name]!r}.",
                remedy="Remove it or add --overwrite, or choose another place with --out.",
            )
    return path, None


def _solve(
    config: SimulateConfig,
    parts: Parts,
    seeds: Sequence[int],
    on_progress: OnProgress,
    workers: Workers | None,
) -> None:
    own = workers_for([config]) if workers is None else None
    with own or nullcontext():
        Run(config, parts, on_progress, workers or own).solve(seeds)


def target(config: SimulateConfig, simulator: Simulator) -> Path:
    """The file or store that a call makes."""
    if config.store:
        return config.out / "zarr" / f"{stem(Path(simulator.file).name)}.zarr"
    return config.out / simulator.file


def plan_of(config: SimulateConfig) -> dict[str, Any]:
    """All that decides about a sample, as plain values."""
    settings = config.resolved()
    return {
        "simulator": config.simulator,
        "settings": json.loads(settings.model_dump_json()),
        "dtype": config.dtype,
        "device": config.chosen_device(),
        "compile": config.compile,
        "versions": {
            "matey": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", "numpy", "h5py")},
        },
    }


def made_by(path: Path) -> dict[str, Any]:
    """What a file or store that exists says of its making; nothing if no solver made it."""
    try:
        if path.is_dir():
            provenance = read_json(path / "zarr.json")["attributes"]["provenance"]
            return dict(provenance)
        check_metadata(path)
        with h5py.File(path) as file:
            return dict(json.loads(file.attrs["matey"]))
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, DataError):
        return {}


def _publish(
    config: SimulateConfig,
    simulator: Simulator,
    path: Path,
    parts: Parts,
    seeds: Sequence[int],
) -> None:
    """Write what is kept, and give it its name."""
    solved = parts.trajectories(seeds)
    provenance = plan_of(config) | {"seed": config.seed, "samples": config.samples}
    if config.store:
        split = Split(shares=config.split)
        if split != Split():
            provenance["split"] = list(config.split)
        store_of(path, parts.folder, simulator, solved, provenance, split=split)
        return
    whole = parts.folder / "whole.new"
    write_hdf5(whole, simulator, solved, provenance)
    os.replace(whole, path)


def _left_out(parts: Parts, seeds: Sequence[int]) -> tuple[LeftOut, ...]:
    found = (parts.done[seed] for seed in seeds)
    return tuple(LeftOut(seed=part.seed, reason=part.fault) for part in found if part.fault)


def _kept(parts: Parts, path: Path) -> str:
    count = sum(not part.fault for part in parts.done.values())
    if not count:
        return "simulate was stopped before the first trajectory was complete."
    return (
        f"simulate was stopped; {count} finished trajectories of {path.name} are kept, and "
        "the same command goes on with them."
    )


def _num_bytes(shape: tuple[int, ...]) -> int:
    """Bytes of a trajectory."""
    return 4 * math.prod(shape)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a store."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says into one message."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"{path} could not be written: {error.strerror or error}.",
            remedy="Free some space, or choose another place with --out.",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorSummary:
    """A simulator's name and what it solves."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingSummary:
    """One setting of a simulator."""

    name: str
    default: str
    summary: str


def list_simulators() -> tuple[SimulatorSummary, ...]:
    """Name every simulator, as one types it, without importing one."""
    return tuple(
        SimulatorSummary(name=name.replace("_", "-"), summary=SIMULATORS.summary(name))
        for name in SIMULATORS.names()
    )


def list_settings(simulator: str) -> tuple[SettingSummary, ...]:
    """Name every setting of one simulator.

    Raises:
        ConfigError: there is no such simulator.
    """
    return tuple(
        SettingSummary(
            name=name,
            default=json.dumps(field.get_default(call_default_factory=True)),
            summary=" ".join((field.description or "").split()),
        )
        for name, field in SIMULATORS[simulator].model_fields.items()
    )


__all__ = [
    "LeftOut",
    "SettingSummary",
    "SimulateConfig",
    "SimulateReport",
    "SimulatorSummary",
    "list_settings",
    "list_simulators",
    "simulate",
    "simulate_once",
]
