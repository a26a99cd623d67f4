"""Which of several processes this one is, as SLURM's `srun` says in the environment."""

import os
import re
from dataclasses import dataclass

from matey_core.errors import ConfigError

PORTS = range(20_000, 40_000)
"""Where the first process may listen; the job and the step choose, so that others differ."""
DIGITS = 18
"""Of a number at most; Python does not even read thousands of them."""
_REMEDY = "Start the processes with srun, or unset the variables SLURM_*."


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmTask:
    """A task of a job step with several."""

    rank: int
    size: int
    local_rank: int
    address: str
    """Where the tasks meet: `MASTER_ADDR` and `MASTER_PORT`, or else the step's first node."""


def slurm_task() -> SlurmTask | None:
    """Read what `srun` sets; None in other processes, a batch script among them.

    Raises:
        ConfigError: a variable is no number, or the task is beyond the last one.
    """
    if not os.environ.get("SLURM_PROCID"):
        return None
    size = _number("SLURM_STEP_NUM_TASKS")
    if size is None and os.environ.get("ENVIRONMENT") != "BATCH":
        size = _number("SLURM_NTASKS")  # of the job, and of its step where nothing else is said
    if size is None or size == 1:
        return None
    rank = _number("SLURM_PROCID") or 0
    if rank >= size:
        raise ConfigError(f"SLURM_PROCID is {rank}, of {size} tasks.", remedy=_REMEDY)
    host = os.environ.get("MASTER_ADDR") or _first_host()
    port = os.environ.get("MASTER_PORT") or _port()
    return SlurmTask(
        rank=rank,
        size=size,
        local_rank=_number("SLURM_LOCALID") or 0,
        address=f"tcp://{host}:{port}",
    )


def _number(name: str) -> int | None:
    """Read a variable; None where it is not set, or empty."""
    text = os.environ.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise ConfigError(f"{name} is {text!r}; a whole number is expected.", remedy=_REMEDY)
    return int(text)


def first_host(nodes: str) -> str:
    """Name the first node of a list as SLURM writes it, such as `gpu[03-05,9],cpu1`."""
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])*", nodes)
    assert first is not None
    return re.sub(r"\[([^,\]-]+)[^\]]*\]", r"\1", first.group())


def _first_host() -> str:
    nodes = os.environ.get("SLURM_STEP_NODELIST") or os.environ.get("SLURM_JOB_NODELIST") or ""
    if os.environ.get("SLURM_STEP_NUM_NODES") == "1" or not re.search(r"[,\[]", nodes):
        return "127.0.0.1"
    return first_host(nodes)


def _port() -> int:
    job, step = (_number(name) or 0 for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    return PORTS[(job + 1009 * step) % len(PORTS)]
