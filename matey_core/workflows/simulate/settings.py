"""What `matey simulate` can be told, and the solver that follows from it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeInt, PositiveInt

from matey_core.config import Config, validate
from matey_core.errors import ConfigError
from matey_core.simulators import SIMULATORS, Precision, SimulatorConfig

GROUP_NAMES = 10_000
"""PDEBench names groups of samples with four digits."""


class SimulateConfig(Config):
    """What to simulate, how much of it, and where it goes."""

    simulator: str = "diffusion_reaction"
    """A name in the simulators' registry."""
    samples: PositiveInt = 12
    """Trajectories to make."""
    grid: Annotated[int, Field(ge=2)] | None = None
    """Cells along x; by default as published."""
    steps: PositiveInt | None = None
    """Frames after the start; by default as published."""
    seed: NonNegativeInt = 0
    """Seed of the first trajectory; the next has the next seed. The same seed gives the same
    file."""
    out: Path = Path("data")
    """Folder to write below, under the published folder and file name."""
    store: bool = False
    """Write a Zarr store into the folder `zarr` of `out`, without an HDF5 file."""
    overwrite: bool = False
    """Replace what exists."""
    batch: PositiveInt | None = None
    """Trajectories that are stepped together; by default as many as fit the processor's cache,
    or fill a GPU. It changes speed and memory, not results."""
    workers: PositiveInt | None = None
    """Processes that solve side by side on a CPU; by default one a core, where there is enough to
    do and memory for it. The number
    changes speed and memory, not results; 1 is this process."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto` takes a GPU if there is one."""
    dtype: Precision = "float32"
    """Arithmetic of the solver; files are float32 in any case."""
    compile: bool = False
    """Fuse steps with torch.compile, which takes minutes first: worth it for long work."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the simulator's own, such as {"k": 0.005}, or {"k": [0.004, 0.006]} to
    draw a constant for each sample."""

    def resolved(self) -> SimulatorConfig:
        """Settings of the simulator, all of them.

        Raises:
            ConfigError: an unknown simulator or setting, too many samples, no such device.
        """
        kind = SIMULATORS[self.simulator]
        values: dict[str, Any] = {"grid": self.grid}
        if self.steps is not None:
            values["frames"] = self.steps + 1
        given = {key: value for key, value in values.items() if value is not None}
        return validate(kind, {**given, **self.settings}, source=self.simulator)

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
