"""Which of several processes this one is, as torchrun, `launch` or srun say in the environment."""

import os
from dataclasses import dataclass, replace

import torch

from matey_core.distributed._slurm import DIGITS, SlurmTask, slurm_task
from matey_core.errors import ConfigError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A process among those that train together."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Position among the processes of this machine, which is also the number of its GPU."""
    sequence_size: int = 1
    """Processes that share every sample; they are neighbors in rank."""
    address: str | None = None
    """Where the processes meet; None where torchrun's variables say it."""
    may_see_one_gpu: bool = False
    """Whether a single GPU that is visible may be this process' own, as a scheduler binds them."""

    @property
    def data_rank(self) -> int:
        """Which part of each batch this process and those that share its samples have."""
        return self.rank // self.sequence_size

    @property
    def data_size(self) -> int:
        """Parts of each batch."""
        return self.size // self.sequence_size

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    @property
    def shares_with_first(self) -> bool:
        """Whether this is the first process, or shares its samples."""
        return self.data_rank == 0

    def sharing(self, sequence_size: int) -> "Place":
        """The same process where so many share every sample.

        Raises:
            ConfigError: the processes do not make up whole groups.
        """
        if self.size % sequence_size:
            count = "1 process" if self.size == 1 else f"{self.size} processes"
            raise ConfigError(
                f"{sequence_size} processes shall share every sample, and {count} cannot be "
                "divided into such groups.",
                remedy=f"Start a multiple of {sequence_size} processes, or choose another "
                "--sequence-parallel.",
            )
        return replace(self, sequence_size=sequence_size)

    def device(self) -> torch.device:
        """This process' GPU, or the CPU where there is none."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        if self.may_see_one_gpu and torch.cuda.device_count() == 1:
            return torch.device("cuda", 0)
        if self.local_rank >= torch.cuda.device_count():
            raise ConfigError(
                f"Process {self.local_rank} of this machine has no GPU of its own: "
                f"there are {torch.cuda.device_count()}.",
                remedy="Start as many processes as there are GPUs, or train with --device cpu.",
            )
        return torch.device("cuda", self.local_rank)


def is_one_of_a_group() -> bool:
    """Whether torchrun, `launch` or srun started this process; with the first two, even alone."""
    return _has_rank() or slurm_task() is not None


def _has_rank() -> bool:
    # A script that passes on what is not set leaves empty variables behind.
    return bool(os.environ.get("RANK") and os.environ.get("WORLD_SIZE"))


def place_of_this_process() -> Place:
    """Read the environment that torchrun, `launch` and srun set; without it, alone.

    Raises:
        ConfigError: only some of the variables are set, or one is no number.
    """
    if not _has_rank():
        task = slurm_task()
        return Place() if task is None else _place_of(task)
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        raise ConfigError(
            f"RANK and WORLD_SIZE are set, but not {', '.join(missing)}.",
            remedy="Start the processes with torchrun, or unset RANK and WORLD_SIZE.",
        )
    rank, size, local_rank = (_number(name) for name in VARIABLES[:3])
    return Place(rank=rank, size=size, local_rank=local_rank)


def _number(name: str) -> int:
    text = os.environ[name]
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise ConfigError(
            f"{name} is {text!r}; a whole number is expected.",
            remedy="Start the processes with torchrun, or unset RANK and WORLD_SIZE.",
        )
    return int(text)


def _place_of(task: SlurmTask) -> Place:
    return Place(
        rank=task.rank,
        size=task.size,
        local_rank=task.local_rank,
        address=task.address,
        may_see_one_gpu=True,
    )
