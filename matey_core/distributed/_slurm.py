"""Which of several processes this one is, as SLURM's `srun` says in the environment."""

import os
import re
from dataclasses import dataclass

PORTS = range(20_000, 40_000)
"""Where the first process may listen; the job and the step choose, so that others differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmTask:
    """A task of a job step with several."""

    rank: int
    size: int
    local_rank: int
    address: str
    """Where the tasks meet: `MASTER_ADDR` and `MASTER_PORT`, or else the step's first node."""


def slurm_task() -> SlurmTask | None:
    """Read what `srun` sets; None in other processes, a batch script among them."""
    # A batch script has SLURM_PROCID as well, but no step of several tasks.
    size = int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1)
    if size == 1 or not os.environ.get("SLURM_PROCID"):
        return None
    host = os.environ.get("MASTER_ADDR") or _first_host()
    port = os.environ.get("MASTER_PORT") or _port()
    return SlurmTask(
        rank=int(os.environ["SLURM_PROCID"]),
        size=size,
        local_rank=int(os.environ.get("SLURM_LOCALID") or 0),
        address=f"tcp://{host}:{port}",
    )


def first_host(nodes: str) -> str:
    """Name the first node of a list as SLURM writes it, such as `gpu[03-05,9],cpu1`."""
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])*", nodes)
    assert first is not None
    return re.sub(r"\[([^,\]-]+)[^\]]*\]", r"\1", first.group())


def _first_host() -> str:
    nodes = os.environ.get("SLURM_STEP_NODELIST", "")
    if not nodes or os.environ.get("SLURM_STEP_NUM_NODES") == "1":
        return "127.0.0.1"
    return first_host(nodes)


def _port() -> int:
    job, step = (int(os.environ.get(name) or 0) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    return PORTS[(job + 1009 * step) % len(PORTS)]
