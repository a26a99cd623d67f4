"""Reference PDE solvers that make training data: the door of the family."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.config import Config
from matey_core.fields import Field, FieldSpec
from matey_core.registry import Registry

Layout = Literal["grouped", "stacked", "incompressible", "darcy"]
"""PDEBench's file layouts: a group a sample, arrays of all samples, and two of their own."""
Precision = Literal["float32", "float64"]
PRECISIONS: Mapping[Precision, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}
MAX_DRIFT: Mapping[torch.dtype, float] = {torch.float32: 1e-4, torch.float64: 1e-10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One problem that was drawn: where it starts, and its constants."""

    state: Float[Tensor, "k *points"]
    """Initial state in float64, as the solver steps it."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """All constants of the equation, drawn or not, under the names they have in files."""
    static: Float[Tensor, "s *space"] | None = None
    """Values of `Simulator.static_fields` in float64, such as a force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Samples that are stepped together, in one dtype and on one device."""

    states: Float[Tensor, "b k *points"]
    """Initial states."""
    parameters: Mapping[str, Tensor]
    """(b, 1, …, 1), with as many axes as a channel of `states`: they broadcast against it."""
    static: Float[Tensor, "b s *space"] | None = None


class Simulator(ABC):
    """One equation with its domain, ready to draw problems and to step a batch of them.

    A sample's solution must not depend on the samples beside it: no step, iteration
    count or tolerance may be shared unless settings alone decide it.
    """

    spec: FieldSpec
    """Stored fields, grid with boundary, and the time between two frames."""
    origin: tuple[float, ...]
    """Coordinate of the domain's lower corner, per axis."""
    file: str
    """Path of the file below the data directory: the published one, where there is one."""
    layout: Layout = "stacked"
    keys: Mapping[str, str]
    """Names of arrays in a stacked file, by field: `Vx` for `velocity_x`; default: the field's."""
    units: Mapping[str, str]
    """Units of the coordinates, by axis, and of the times under `time`; empty: none."""
    static_fields: tuple[Field, ...] = ()
    """Fields with one value for all times."""
    can_compile: bool = True
    """Whether compiling its steps is possible, and could pay."""
    conserved: tuple[str, ...] = ()
    """Stored fields whose mean over space stays, by the equations and the boundary."""

    def __init__(self, config: "SimulatorConfig") -> None:
        self.num_frames = config.frames
        self.units = {}
        self.keys = {}

    @property
    def times(self) -> Float[np.ndarray, " time"]:
        """Times of the frames, the start included."""
        return self.spec.time_step * np.arange(self.num_frames)

    @abstractmethod
    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw one problem.

        Args:
            random: NumPy's legacy generator: its stream is frozen for ever, and it is
                the one the published programs draw from.
        """

    @abstractmethod
    def stable_step(
        self, states: Float[Tensor, "b k *points"], batch: Batch
    ) -> float | Float[Tensor, " b"]:
        """Largest time step that is stable and accurate.

        A number where settings alone decide it (`math.inf` if any step is exact),
        otherwise one for each sample, from its own state and parameters.
        """

    @abstractmethod
    def step(
        self, states: Float[Tensor, "b k *points"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b k *points"]:
        """Advance a whole batch by `dt`, leaving `states` as they are.

        Args:
            states: (b, k, *points) what the solver steps.
            dt: a number, or (b, 1, …, 1) with as many axes as `states`: a step for each
                sample. A sample whose step is 0 must keep its state exactly.
            batch: parameters and static fields.
        """

    def observe(
        self, states: Float[Tensor, "b k *points"], batch: Batch
    ) -> Float[Tensor, "b c *space"]:
        """Give the stored fields at cell centres; the states themselves by default."""
        return states

    def densities(
        self, states: Float[Tensor, "b k *points"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b *points"]]:
        """Quantities whose sum over the points must stay what it was at the start, by name.

        Nothing by default. A solution that breaks `max_drift` is not written.
        """
        return {}

    def max_drift(self, dtype: torch.dtype) -> float:
        """Change of a conserved sum that rounding explains, in units of the sum of sizes."""
        return MAX_DRIFT[dtype]

    def frames(self, batch: Batch) -> Iterator[Float[Tensor, "b k *points"]]:
        """Yield the states at every frame, the start first."""
        from matey_core.simulators._integrate import frames

        return frames(self, batch)

    def compile(self) -> None:
        """Fuse each step into few kernels, which takes a compiler and some seconds."""
        for name in ("step", "stable_step"):
            setattr(self, name, torch.compile(getattr(self, name)))

    def describe(self, seed: int, parameters: Mapping[str, float]) -> Mapping[str, Any]:
        """Settings of one sample, as the attribute `config` of grouped files names them."""
        return {"sim": {**parameters, "seed": seed}}


class SimulatorConfig(Config, ABC):
    """Settings that every simulator has."""

    registry: ClassVar[Registry[type["SimulatorConfig"]]] = Registry(__name__)

    grid: PositiveInt = 128
    """Cells along x. Other axes have cells of the same size."""
    frames: PositiveInt = 101
    """Frames of a trajectory, the start included."""
    interval: PositiveFloat = 0.05
    """Time between two frames."""

    @abstractmethod
    def build(self) -> Simulator:
        """Make the solver.

        Raises:
            ConfigError: settings that cannot work together.
        """


SIMULATORS = SimulatorConfig.registry
