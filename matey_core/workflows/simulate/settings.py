"""What `matey simulate` can be told, and the solver that follows from it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt

from matey_core.config import Config, validate
from matey_core.errors import ConfigError
from matey_core.simulators import SIMULATORS, Precision, SimulatorConfig
from matey_core.store.split import Split

GROUP_NAMES = 10_000
"""PDEBench names groups of samples with four digits."""


class SimulateConfig(Config):
    """Settings of a simulation: the simulator, the number of trajectories, the output."""

    simulator: str = "diffusion_reaction"
    """Name of a simulator; `matey simulate --list` shows all."""
    samples: PositiveInt = 12
    """Number of trajectories."""
    grid: Annotated[int, Field(ge=2)] | None = None
    """Number of cells along x; by default as published."""
    steps: PositiveInt | None = None
    """Number of frames after the initial state; by default as published."""
    seed: NonNegativeInt = 0
    """Seed of the first trajectory; the next has the next seed. The same seed gives the same
    file."""
    out: Path = Path("data")
    """Output folder; files keep their published folder and name below it."""
    store: bool = False
    """Write a Zarr store into the folder `zarr` of `out` instead of an HDF5 file."""
    split: tuple[float, float, float] = Split().shares
    """Shares of trajectories of a store that train, validate and test."""
    overwrite: bool = False
    """Replace an existing file or store."""
    batch: PositiveInt | None = None
    """Trajectories that are stepped together; by default as many as fit the processor's cache,
    or fill a GPU. It changes speed and memory, not results."""
    workers: PositiveInt | None = None
    """Number of processes on a CPU; by default one a core, as far as work and memory allow. The
    number changes speed and memory, not results; 1 is this process."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device; `auto` takes a GPU if there is one."""
    dtype: Precision = "float32"
    """Arithmetic of the solver; files are float32 in any case."""
    compile: bool = False
    """Fuse steps with torch.compile, which first takes minutes and pays off for long work."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the simulator's own, such as {"k": 0.005}, or {"k": [0.004, 0.006]} to
    draw a constant for each sample."""

    def resolved(self) -> SimulatorConfig:
        """Settings of the simulator, all of them.

        Raises:
            ConfigError: an unknown simulator or setting, too many samples, no such device.
        """
        Split(shares=self.split)  # refuses shares before anything is solved
        kind = SIMULATORS[self.simulator]
        values: dict[str, Any] = {"grid": self.grid}
        if self.steps is not None:
            values["frames"] = self.steps + 1
        given = {key: value for key, value in values.items() if value is not None}
        lists = f"`matey simulate {self.simulator.replace('_', '-')} --list` lists its settings."
        return validate(kind, {**given, **self.settings}, source=self.simulator, remedy=lists)

    def chosen_device(self) -> str:
        """The device's name, with `auto` decided.

        Raises:
            ConfigError: there is no such device.
        """
        has_gpu = torch.cuda.is_available()
        if self.device == "cuda" and not has_gpu:
            raise ConfigError(
                "--device cuda: PyTorch finds no GPU here.",
                remedy="Leave --device out, or install a PyTorch that knows the GPU.",
            )
        return "cuda" if has_gpu and self.device != "cpu" else "cpu"

    def check_seeds(self, layout: str) -> None:
        """Say where seeds do not fit the file's layout.

        Raises:
            ConfigError: they do not.
        """
        if not self.store and layout == "grouped" and self.seed + self.samples > GROUP_NAMES:
            raise ConfigError(
                f"Seeds go up to {self.seed + self.samples - 1}, and PDEBench's layout names "
                f"samples of this equation with four digits, up to {GROUP_NAMES - 1}.",
                remedy="Choose fewer --samples or a smaller --seed, or --store.",
            )
        if self.seed + self.samples > 2**32:
            raise ConfigError(
                f"Seeds go up to {self.seed + self.samples - 1}; they must be below 2³².",
                remedy="Choose a smaller --seed.",
            )
