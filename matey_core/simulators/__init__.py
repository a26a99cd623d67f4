"""Reference PDE solvers that make training data: the door of the family."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor

from matey_core.config import Config
from matey_core.fields import FieldSpec
from matey_core.registry import Registry


@runtime_checkable
class Simulator(Protocol):
    """One equation with its domain, ready to step a batch of states."""

    spec: FieldSpec
    """Fields, units, grid with boundary, and the time between two frames."""
    origin: tuple[float, ...]
    """Coordinate of the domain's lower corner, per axis."""
    num_frames: int
    """Frames of a trajectory, the start included."""
    file: str
    """Path of the published file below the data directory."""

    def start(self, random: np.random.RandomState) -> Float[Tensor, "c *space"]:
        """Draw one initial state in float64.

        Args:
            random: NumPy's legacy generator: its stream is frozen for ever, and it is
                the one the published programs draw from.
        """

    def stable_step(self) -> float:
        """Time step that is stable, and accurate to better than float32 files show.

        It depends on settings only, never on states: a sample does not change with
        the samples that are computed beside it.
        """

    def step(self, states: Float[Tensor, "b c *space"], dt: float) -> Float[Tensor, "b c *space"]:
        """Advance a whole batch by `dt`."""

    def describe(self, seed: int) -> Mapping[str, object]:
        """Parameters of one sample, as the published `config` attribute names them."""


class SimulatorConfig(Config, ABC):
    """Settings that every simulator has."""

    registry: ClassVar[Registry[type["SimulatorConfig"]]] = Registry(__name__)

    grid: PositiveInt = 128
    """Cells along each axis."""
    frames: PositiveInt = 101
    """Frames of a trajectory, the start included."""

    @abstractmethod
    def build(self) -> Simulator:
        """Make the solver."""


SIMULATORS = SimulatorConfig.registry

Precision = Literal["float32", "float64"]
PRECISIONS: Mapping[Precision, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}

__all__ = ["PRECISIONS", "SIMULATORS", "Precision", "Simulator", "SimulatorConfig"]
