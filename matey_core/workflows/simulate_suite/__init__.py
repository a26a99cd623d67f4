"""Make the whole pretraining mixture and both fine-tuning tasks with reference solvers."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from matey_core.config import Config
from matey_core.progress import OnProgress, silent
from matey_core.simulators import SIMULATORS, Precision
from matey_core.workflows.simulate import (
    SimulateConfig,
    SimulateReport,
    simulate_once,
)
from matey_core.workflows.simulate.solving import workers_for
from matey_core.workflows.simulate.workers import Workers
from matey_core.workflows.simulate_suite.entries import SUITES, Member, Scale, Use


class SuiteConfig(Config):
    """Settings of a suite: its size and its output."""

    scale: Scale = "tiny"
    """Size of the suite: tiny takes minutes on two cores, small takes hours there or minutes on a
    GPU, paper is as published."""
    out: Path = Path("data")
    """Folder that gets the folders `pretraining` and `finetuning`."""
    store: bool = False
    """Write Zarr stores into the folder `zarr` of each, without HDF5 files."""
    seed: NonNegativeInt = 0
    """Seed of the first trajectory of each member."""
    workers: PositiveInt | None = None
    """Number of processes on a CPU; by default one a core."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device; `auto` takes a GPU if there is one."""
    dtype: Precision = "float32"
    """Arithmetic of the solvers."""
    compile: bool = False
    """Fuse steps with torch.compile, where a solver's can be."""
    overwrite: bool = False
    """Replace existing files and stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberReport:
    """What became of one member."""

    use: Use
    simulator: str
    path: Path
    report: SimulateReport | None
    """None where the same file was there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReport:
    """All members, in order."""

    scale: Scale
    members: tuple[MemberReport, ...]


def simulate_suite(config: SuiteConfig, on_progress: OnProgress = silent) -> SuiteReport:
    """Make every member of a suite that is not there yet.

    Args:
        config: which suite.
        on_progress: called after every frame of every batch.

    Raises:
        ConfigError: a file of another making is in the way.
        RunError: no solution of a member could be kept, or the disk is full.
        Interrupted: Ctrl-C; the same call goes on.
    """
    members = SUITES[config.scale]
    jobs = [_job(config, member) for member in members]
    workers = workers_for(jobs)
    with workers or nullcontext():
        return SuiteReport(
            scale=config.scale,
            members=tuple(
                _make(member, job, on_progress, workers)
                for member, job in zip(members, jobs, strict=True)
            ),
        )


def _job(config: SuiteConfig, member: Member) -> SimulateConfig:
    solver = SIMULATORS[member.simulator]
    return SimulateConfig(
        simulator=member.simulator,
        samples=member.samples,
        grid=member.grid,
        steps=member.steps,
        settings=dict(member.settings),
        out=config.out / member.use,
        store=config.store,
        seed=config.seed,
        workers=config.workers,
        device=config.device,
        dtype=config.dtype,
        compile=config.compile and solver(**member.settings).build().can_compile,
        overwrite=config.overwrite,
    )


def _make(
    member: Member, job: SimulateConfig, on_progress: OnProgress, workers: Workers | None
) -> MemberReport:
    path, report = simulate_once(job, on_progress, workers)
    return MemberReport(use=member.use, simulator=member.simulator, path=path, report=report)


__all__ = ["MemberReport", "Scale", "SuiteConfig", "SuiteReport", "simulate_suite"]
