"""Data that a study's file describes: where they are, and how they come there."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matey_core.cells import Point
from matey_core.config import merged, validate
from matey_core.errors import ConfigError
from matey_core.progress import OnProgress
from matey_core.studies.settings import StudyConfig
from matey_core.workflows.simulate import simulate_once
from matey_core.workflows.simulate.settings import SimulateConfig

DECIDED = ("out", "store", "overwrite")


def located(study: StudyConfig, data: str) -> str:
    """Give the folder of a simulation that is meant by its name; any other folder is itself."""
    return str(study.simulated / data) if data in study.simulations else data


def simulate_missing(study: StudyConfig, points: Iterable[Point], on_progress: OnProgress) -> None:
    """Simulate what combinations are trained or tested on and what is not there yet.

    Raises:
        ConfigError: a simulation that cannot work, or whose folder has data of another making.
        RunError: no solution could be kept, or the disk is full.
    """
    used: set[str] = set()
    for point in points:
        used |= {str(stage.data) for stage in (*point.stages.values(), point.evaluation)}
    jobs = [
        _job(study, name, settings) for name, each in study.simulations.items() for settings in each
    ]
    for job in jobs:
        if str(job.out) in used:
            simulate_once(job, on_progress)


def _job(study: StudyConfig, name: str, settings: Mapping[str, Any]) -> SimulateConfig:
    """All settings of a simulation."""
    source = f"study {study.name}, simulations.{name}"
    job = validate(SimulateConfig, merged(study.simulation, settings), source=source)
    if given := [key for key in DECIDED if key in job.model_fields_set]:
        raise ConfigError(
            f"{source}: {given[0]} cannot be set; the study decides it.",
            remedy="Leave it out; `simulated` is the folder of all simulations.",
        )
    return job.model_copy(update={"out": Path(located(study, name)), "store": True})
