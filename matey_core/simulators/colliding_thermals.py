"""2D dry stratified flow under gravity: a hot and a cold bubble of air that collide.

Compressible and non-hydrostatic, periodic in x, walls in z: the equations, scheme and
standard cases of the public mini-app miniWeather (M. Norman).
"""

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec, Grid
from matey_core.quantities import known_field, known_fields
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import Drawn, PositiveDrawn, Value, draw
from matey_core.simulators._stratified import Sweeper, neutral, stable, usual_step

Case = Literal["collision", "thermal", "density_current", "gravity_waves"]

WIDTH, HEIGHT = 20_000.0, 10_000.0
"""Of the domain, m."""
UNITS = {"dens": "kg m-3", "theta": "K", "uwnd": "m s-1", "wwnd": "m s-1"}
NAMES = {
    "amplitude": "theta_amplitude_K",
    "center_x": "center_x_m",
    "center_z": "center_z_m",
    "radius": "radius_m",
}
"""Settings of a bubble, and what the attributes of published trajectories call them."""
CASES: Mapping[Case, Mapping[str, Value]] = {
    "collision": {
        "amplitude_1": (10.0, 25.0),
        "center_x_1": (7000.0, 13000.0),
        "center_z_1": (2000.0, 3500.0),
        "radius_1": (1200.0, 2200.0),
        "amplitude_2": (-25.0, -10.0),
        "center_x_2": (7000.0, 13000.0),
        "center_z_2": (6500.0, 8000.0),
        "radius_2": (1200.0, 2200.0),
    },
    "thermal": {
        "amplitude_1": 3.0,
        "center_x_1": 10000.0,
        "center_z_1": 2000.0,
        "radius_1": 2000.0,
    },
    "density_current": {
        "amplitude_1": -20.0,
        "center_x_1": 10000.0,
        "center_z_1": 5000.0,
        "radius_1": 2000.0,
    },
    "gravity_waves": {
        "amplitude_1": 0.01,
        "center_x_1": 2500.0,
        "center_z_1": 1000.0,
        "radius_1": 500.0,
    },
}
FLATNESS = {"density_current": 2.0}
"""Half width of a bubble in units of its half height, where it is not round."""
WIND = {"gravity_waves": 15.0}
"""Wind at the start, m s-1."""
FORCING = 6.0
"""Force on ρw in units of w' ρ̄: the reference adds three times the term in both sweeps."""
GAUSS = np.sqrt(0.6) / 2 * np.array([-1.0, 0.0, 1.0])
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18
"""Gauss–Legendre rule of three points on a cell of width 1."""


@SIMULATORS.register("colliding_thermals")
class CollidingThermalsConfig(SimulatorConfig):
    """Settings of the stratified flow; bubbles without settings are those of the case."""

    case: Case = "collision"
    """Standard case: two bubbles that are drawn, or one with its published numbers."""
    amplitude_1: Drawn | None = None
    """Potential temperature in the middle of the first bubble, K above that around it."""
    center_x_1: Drawn | None = None
    """Middle of the first bubble, m."""
    center_z_1: Drawn | None = None
    """Height of the middle of the first bubble, m."""
    radius_1: PositiveDrawn | None = None
    """Half height of the first bubble, m."""
    amplitude_2: Drawn | None = None
    """The same of the second bubble, which only a collision has."""
    center_x_2: Drawn | None = None
    """Middle of the second bubble, m."""
    center_z_2: Drawn | None = None
    """Height of the middle of the second bubble, m."""
    radius_2: PositiveDrawn | None = None
    """Radius of the second bubble, m."""
    frames: PositiveInt = 31
    """Frames of a trajectory, the start included."""
    interval: PositiveFloat = 20.0
    """Time between two frames, s: the first step that reaches it is stored."""

    def build(self) -> "CollidingThermals":
        """Make the solver.

        Raises:
            ConfigError: a setting of the second bubble for a case that has one bubble.
        """
        return CollidingThermals(self)


class CollidingThermals(Simulator):
    """Perturbations ρ', ρu, ρw, (ρθ)' of a column at rest, as cell averages.

    ∂t ρ  + ∇·(ρv)             = 0
    ∂t ρv + ∇·(ρv⊗v) + ∇p      = −ρ g e_z
    ∂t ρθ + ∇·(ρθv)            = 0            p = C0 (ρθ)^γ
    """

    layout = "stacked"
    origin = (0.0, 0.0)
    conserved = ("dens",)
    can_compile = False

    def __init__(self, config: CollidingThermalsConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/thermals/2D_thermals_{config.case}_Train.hdf5"
        self.units = {"z": "m", "x": "m", "time": "s"}
        shape = ((config.grid + 1) // 2, config.grid)
        spacing = (HEIGHT / shape[0], WIDTH / shape[1])
        self.spec = FieldSpec(
            fields=known_fields(UNITS, units=UNITS),
            grid=Grid(
                axes=("z", "x"),
                shape=shape,
                spacing=spacing,
                boundary=("no_flux", "periodic"),
                directed=("z",),
            ),
            time_step=config.interval,
            dataset=f"2D_thermals_{config.case}",
        )
        self.dt = min(usual_step(spacing), config.interval)
        self.column = stable if config.case == "gravity_waves" else neutral
        self.bubbles = self._bubbles()
        if config.case == "gravity_waves":
            self.static_fields = (known_field("force_z", unit="N m-3"),)

    def _bubbles(self) -> dict[str, Value]:
        """Constants of the case, with the settings in their place."""
        bubbles = dict(CASES[self.config.case])
        for name in CASES["collision"]:
            value = getattr(self.config, name)
            if value is not None and name not in bubbles:
                raise ConfigError(
                    f"{name} is {value}, but case {self.config.case} has one bubble.",
                    remedy=f"Leave {name} out, or choose case = collision.",
                )
            if value is not None:
                bubbles[name] = value
        return bubbles

    @functools.cached_property
    def steps(self) -> list[int]:
        """Number of steps after which each frame is due.

        By the clock of the reference program, rounding included: where steps fit an interval
        exactly, its sum may lack the last digit, and the frame comes a step later.
        """
        interval = self.config.interval
        end = math.ceil((self.num_frames - 1) * interval / self.dt - 1e-9)
        clock, steps = 0.0, [0]
        for index in range(1, end + 1):
            clock += self.dt
            if clock >= interval:
                clock -= interval
                steps.append(index)
        # The last frame is the end of the run.
        return steps if len(steps) == self.num_frames else [*steps, end]

    @property
    def times(self) -> Float[np.ndarray, " time"]:
        """Times of the frames: those of the first steps that reach each interval."""
        return self.dt * np.array(self.steps, dtype=np.float64)

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the bubbles, and average the state over the cells.

        Args:
            random: generator; positions in m, so that a seed means one problem on any grid.
        """
        drawn = {name: draw(value, random) for name, value in self.bubbles.items()}
        parameters = {f"{NAMES[name[:-2]]}{name[-2:]}": value for name, value in drawn.items()}
        state = np.zeros((4, *self.spec.grid.shape))
        for z, x, weight in self._points():
            density, theta = self.column(z)
            state[1] += weight * density * WIND.get(self.config.case, 0.0)
            if not self.static_fields:
                warm = theta + self._bubbles_at(z, x, drawn)
                state[3] += weight * (density * warm - density * theta)
        return Sample(
            state=torch.from_numpy(state), parameters=parameters, static=self._force(drawn)
        )

    def _force(self, drawn: Mapping[str, float]) -> Float[Tensor, "1 z x"] | None:
        """Force on ρw at cell centres, for the case that is driven."""
        if not self.static_fields:
            return None
        z, x = self._centers(0)[:, None], self._centers(1)
        density, _ = self.column(z)
        return torch.from_numpy(FORCING * density * self._bubbles_at(z, x, drawn))[None]

    def _centers(self, axis: int) -> Float[np.ndarray, " n"]:
        grid = self.spec.grid
        return (np.arange(grid.shape[axis]) + 0.5) * grid.spacing[axis]

    def _points(self) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        """Give the nine points of each cell's Gauss–Legendre rule: z, x, weight."""
        height, width = self.spec.grid.spacing
        for above, first in zip(GAUSS, GAUSS_WEIGHTS, strict=True):
            for right, second in zip(GAUSS, GAUSS_WEIGHTS, strict=True):
                z = self._centers(0)[:, None] + above * height
                x = self._centers(1) + right * width
                yield z, x, first * second

    def _bubbles_at(
        self, z: Float[np.ndarray, "z 1"], x: Float[np.ndarray, " x"], drawn: Mapping[str, float]
    ) -> Float[np.ndarray, "z x"]:
        """A cos²(πd/2) where d, the distance in units of the radii, is below 1; summed."""
        total = np.zeros((len(z), len(x)))
        for number in ("_1", "_2")[: len(drawn) // len(NAMES)]:
            radius = drawn[f"radius{number}"]
            width = radius * FLATNESS.get(self.config.case, 1.0)
            right = (x - drawn[f"center_x{number}"]) / width
            above = (z - drawn[f"center_z{number}"]) / radius
            distance = np.minimum(np.sqrt(right**2 + above**2), 1)
            shape = np.cos(np.pi / 2 * distance) ** 2 * (distance < 1)
            total += drawn[f"amplitude{number}"] * shape
        return total

    def stable_step(self, states: Float[Tensor, "b 4 z x"], batch: Batch) -> float:
        """What sound and wind together allow, by the published choice."""
        return self.dt

    def step(
        self, states: Float[Tensor, "b 4 z x"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 4 z x"]:
        """Advance by one step, x first; `frames` takes turns."""
        sweeper = self.sweeper(states, batch)
        sweeper.step(float(dt), first="x")
        return sweeper.states()

    def frames(self, batch: Batch) -> Iterator[Float[Tensor, "b 4 z x"]]:
        """Yield the states at every frame, the start first; steps take turns in direction."""
        yield batch.states
        sweeper = self.sweeper(batch.states, batch)
        done = 0
        for due in self.steps[1:]:
            for index in range(done, due):
                sweeper.step(self.dt, first="z" if index % 2 else "x")
            done = due
            yield sweeper.states()

    def sweeper(self, states: Float[Tensor, "b 4 z x"], batch: Batch) -> Sweeper:
        """Prepare a batch for steps of the splitting, in any order."""
        force = None if batch.static is None else batch.static[:, 0]
        height, width = self.spec.grid.spacing
        return Sweeper(states, self.column, (height, width), force)

    def observe(self, states: Float[Tensor, "b 4 z x"], batch: Batch) -> Float[Tensor, "b 4 z x"]:
        """Give dens and theta as perturbations of the column, and the winds."""
        column, theta = self._column(states)
        density = states[:, 0] + column
        # θ − θ̄ without the difference of two large numbers.
        warmth = (states[:, 3] - theta * states[:, 0]) / density
        return torch.stack(
            [states[:, 0], warmth, states[:, 1] / density, states[:, 2] / density], 1
        )

    def densities(
        self, states: Float[Tensor, "b 4 z x"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b z x"]]:
        """Mass, the column's included."""
        return {"mass": states[:, 0] + self._column(states)[0]}

    def _column(self, states: Float[Tensor, "b 4 z x"]) -> tuple[Tensor, Tensor]:
        """ρ̄ and θ̄ of the cells, (z, 1) each."""
        density, theta = self.column(self._centers(0)[:, None])
        return torch.from_numpy(density).to(states), torch.from_numpy(theta).to(states)
