"""Compressible Navier–Stokes in 1D, 2D or 3D: random fields, turbulence and shock tubes.

The equations, domains and file layout of PDEBench (arXiv 2210.07182, appendix D). Second-order
finite volumes: limited slopes of primitive variables, the HLLC flux, the explicit midpoint
rule, and viscosity in a super step of its own before and after (Strang splitting).
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt, model_validator
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.fields import Boundary, FieldSpec, Grid
from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import NonNegativeDrawn, draw, ends, text
from matey_core.simulators._euler import add_flow
from matey_core.simulators._flow_starts import random_fields, shock_tube, turbulence
from matey_core.simulators._ghost_cells import GhostCells
from matey_core.simulators._muscl import Limiter
from matey_core.simulators._riemann import DENSITY, PRESSURE, VELOCITY
from matey_core.simulators._super_step import reach, stages_for
from matey_core.simulators._viscosity import diffuse

GAMMA = 5 / 3
AXES = ("x", "y", "z")
COURANT = 0.8
"""Sum over axes of the fastest wave's speed × dt / cell; the scheme is stable up to 1."""
VISCOUS_SAFETY = 0.9
NEGLIGIBLE = 1e-7
"""Viscosity over density that is left out: the published 1e-8 is lost in float32."""
SLOWEST, DENSEST = 2.0, 1.5
"""Sound speed and density contrast for which viscosity shall not shorten the step."""
COLDEST = 1e-6
"""Least share of the energy that is read as heat."""
ENERGY, MOMENTUM = 1, 2
"""Channels of the state, after density."""
STARTS = {"random": random_fields, "turbulence": turbulence, "shock_tube": shock_tube}
NAMES = {"random": "Rand", "turbulence": "Turb", "shock_tube": "Shock"}
PUBLISHED: Mapping[int, Mapping[str, Any]] = {
    1: {"grid": 1024, "frames": 101, "interval": 0.01, "mach": (0.05, 0.25)},
    2: {"grid": 128, "frames": 21, "interval": 0.05, "mach": 0.1},
    3: {"grid": 64, "frames": 21, "interval": 0.05, "mach": 1.0},
}


@SIMULATORS.register("compressible_flow")
class CompressibleFlowConfig(SimulatorConfig):
    """Settings of compressible flow; those left out take the published values of `dimension`."""

    dimension: Literal[1, 2, 3] = 2
    """Axes of the domain."""
    grid: PositiveInt = 128
    """Cells along each axis: 1024 in 1D, 128 in 2D, 64 in 3D."""
    frames: PositiveInt = 21
    """Frames of a trajectory, the start included: 101 in 1D."""
    interval: PositiveFloat = 0.05
    """Time between two frames: 0.01 in 1D."""
    start: Literal["random", "turbulence", "shock_tube"] = "random"
    """Smooth random waves, random eddies in a uniform gas (2D and 3D), or two gases that meet."""
    mach: NonNegativeDrawn = 0.1
    """Velocity over sound speed: drawn from 0.05 to 0.25 in 1D, 0.1 in 2D, 1 in 3D."""
    eta: NonNegativeDrawn = 0.01
    """Shear viscosity over density."""
    zeta: NonNegativeDrawn = 0.01
    """Bulk viscosity over density."""
    boundary: Literal["periodic", "outflow"] = "periodic"
    """What is beyond the domain: itself, or its edge. Shock tubes have outflow."""
    stress: Literal["complete", "published"] = "complete"
    """Viscous stresses: all of them, or only those that the published program computes."""
    limiter: Limiter = "monotonized_central"
    """How slopes are limited: the published files agree with this one; `minmod` smears more."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Take what the dimension and the start imply where nothing is said."""
        if not isinstance(values, dict):
            return values
        implied = dict(PUBLISHED.get(values.get("dimension", 2), {}))
        if values.get("start") == "shock_tube":
            implied["boundary"] = "outflow"
        return implied | values

    def build(self) -> "CompressibleFlow":
        """Make the solver.

        Raises:
            ConfigError: turbulence in 1D, or a periodic shock tube.
        """
        if self.start == "turbulence" and self.dimension == 1:
            raise ConfigError(
                "compressible_flow: turbulence needs 2 or 3 dimensions, not 1.",
                remedy="Set dimension to 2 or 3, or start to random.",
            )
        if self.start == "shock_tube" and self.boundary == "periodic":
            raise ConfigError(
                "compressible_flow: a shock tube needs the boundary outflow, not periodic.",
                remedy="Leave boundary out.",
            )
        return CompressibleFlow(self)


class CompressibleFlow(Simulator):
    """A perfect gas with Γ = 5/3; the state is density, energy and momentum.

    ρ_t + ∇·(ρv) = 0
    (ρv)_t + ∇·(ρ v⊗v + p) = ∇·τ
    E_t + ∇·((E + p) v) = ∇·(τ·v),   E = p/(Γ−1) + ρv²/2
    """

    def __init__(self, config: CompressibleFlowConfig) -> None:
        super().__init__(config)
        self.config = config
        dimension = config.dimension
        low, high = (-1.0, 1.0) if dimension == 1 else (0.0, 1.0)
        self.origin = (low,) * dimension
        self.spacing = (high - low) / config.grid
        axes = AXES[:dimension]
        boundary: Boundary = config.boundary
        self.cells = GhostCells((config.grid,) * dimension, boundary == "periodic")
        self.keys = {f"velocity_{axis}": f"V{axis}" for axis in axes}
        self.conserved = ("density",) if self.cells.periodic else ()
        self.file = _file(config)
        names = ("density", "pressure", *self.keys)
        self.spec = FieldSpec(
            fields=tuple(known_field(name) for name in names),
            grid=Grid(
                axes=axes,
                shape=self.cells.shape,
                spacing=(self.spacing,) * dimension,
                boundary=(boundary,) * dimension,
            ),
            time_step=config.interval,
            dataset=self.file.rpartition("/")[2].removesuffix(".hdf5"),
        )
        self.diffusion = self._fastest_diffusion(ends(config.eta)[1], ends(config.zeta)[1])
        self.stages = self._stages()

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw constants, then a start of the chosen kind."""
        config = self.config
        drawn = {name: draw(getattr(config, name), random) for name in ("eta", "zeta", "mach")}
        mach = drawn.pop("mach")
        if config.dimension > 1:
            drawn["M"] = mach
        line = (np.arange(config.grid) + 0.5) / config.grid
        points = np.meshgrid(*[line] * config.dimension, indexing="ij", sparse=True)
        density, pressure, velocity = STARTS[config.start](random, points, GAMMA, mach)
        fields = np.concatenate([np.stack([density, pressure]), velocity])
        return Sample(state=conserved(torch.from_numpy(fields)), parameters=drawn)

    def stable_step(self, states: Float[Tensor, "b k *space"], batch: Batch) -> Float[Tensor, " b"]:
        """Each sample's own: from its fastest waves, and from what viscous stages reach."""
        flat = states.transpose(0, 1)
        primitive = _primitive(flat)
        speed = (primitive[PRESSURE] / primitive[DENSITY]).mul_(GAMMA).sqrt_()
        speed.mul_(len(self.origin))
        for velocity in primitive[VELOCITY:]:
            speed.add_(velocity.abs_())
        limit = COURANT * self.spacing / speed.flatten(1).amax(1)
        if self.stages:
            limit = torch.minimum(limit, self._viscous_step(states[:, :1]))
        return limit

    def step(
        self, states: Float[Tensor, "b k *space"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b k *space"]:
        """Advance by half a viscous step, the midpoint rule, and the other half."""
        dt = dt.transpose(0, 1) if isinstance(dt, Tensor) else dt
        ratio = dt / self.spacing
        padded = self.cells.enter(states)
        self._diffuse(padded, dt, batch)
        half = self._flow_in(padded).mul_(ratio / 2).add_(padded)
        self.cells.fill(half)
        padded.add_(self._flow_in(half).mul_(ratio))
        if self.stages:
            self.cells.fill(padded)
            self._diffuse(padded, dt, batch)
        return self.cells.leave(padded)

    def observe(
        self, states: Float[Tensor, "b k *space"], batch: Batch
    ) -> Float[Tensor, "b k *space"]:
        """Density, pressure and velocity."""
        return _primitive(states.transpose(0, 1)).transpose(0, 1)

    def densities(
        self, states: Float[Tensor, "b k *space"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b *space"]]:
        """Mass, energy and momentum, where nothing leaves."""
        if not self.cells.periodic:
            return {}
        names = ("mass", "energy", *(f"momentum_{axis}" for axis in self.spec.grid.axes))
        return dict(zip(names, states.unbind(1), strict=True))

    def _flow_in(self, padded: Float[Tensor, "k b *padded"]) -> Float[Tensor, "k b *padded"]:
        """What flows into each cell without viscosity, per unit of time and cell size."""
        primitive = _primitive(padded.flatten(1))
        total = torch.zeros_like(primitive)
        for axis, stride in enumerate(self.cells.strides):
            add_flow(primitive, axis, stride, limiter=self.config.limiter, gamma=GAMMA, total=total)
        return total.view_as(padded)

    def _diffuse(
        self, padded: Float[Tensor, "k b *padded"], dt: float | Tensor, batch: Batch
    ) -> None:
        """Let viscosity act for half a step, in place."""
        if self.stages:
            scale = dt / (2 * self.spacing**2)
            if isinstance(scale, Tensor):
                scale = scale[0]
            constants = batch.parameters
            eta, zeta = constants["eta"], constants["zeta"]
            crossed = self.config.stress == "complete"
            diffuse(padded, self.cells, eta, zeta, scale, stages=self.stages, crossed=crossed)

    def _fastest_diffusion(self, eta: float, zeta: float) -> float:
        """Sum of the diffusion coefficients along all axes, of the velocity that feels most."""
        return 4 / 3 * eta + zeta + (len(self.origin) - 1) * eta

    def _stages(self) -> int:
        """Viscous stages, so many that sound limits the step of an ordinary sample."""
        if self.diffusion <= NEGLIGIBLE:
            return 0
        step = COURANT * self.spacing / (len(self.origin) * SLOWEST)
        return stages_for(step * DENSEST / (VISCOUS_SAFETY * self._explicit_step()))

    def _explicit_step(self) -> float:
        """Twice the longest forward Euler step of viscosity in a uniform gas."""
        return self.spacing**2 / self.diffusion

    def _viscous_step(self, density: Float[Tensor, "b 1 *space"]) -> Float[Tensor, " b"]:
        """Step whose halves the viscous stages reach; faces weigh more beside a light cell."""
        padded = self.cells.enter(density)
        flat = padded.flatten()
        heaviest = flat * 4
        for stride in self.cells.strides:
            faces = flat[stride:] + flat[:-stride]
            around = heaviest[stride:-stride]
            torch.maximum(around, faces[stride:] + faces[:-stride], out=around)
        contrast = self.cells.inside(heaviest.div_(flat).mul_(0.25).view_as(padded))[0]
        return (
            VISCOUS_SAFETY
            * reach(self.stages)
            * self._explicit_step()
            / contrast.flatten(1).amax(1)
        )


def conserved(primitive: Float[Tensor, "k *points"]) -> Float[Tensor, "k *points"]:
    """Density, energy and momentum from density, pressure and velocity.

    Args:
        primitive: (k, *points), velocities last.
    """
    density, pressure, *velocities = primitive
    momenta = [density * velocity for velocity in velocities]
    energy = pressure / (GAMMA - 1)
    for momentum, velocity in zip(momenta, velocities, strict=True):
        energy = energy + 0.5 * momentum * velocity
    return torch.stack([density, energy, *momenta])


def _primitive(state: Float[Tensor, "k *points"]) -> Float[Tensor, "k *points"]:
    """Density, pressure and velocity from density, energy and momentum.

    Where kinetic energy leaves less than a millionth for heat, as rounding may at high Mach
    numbers, the pressure is read from that millionth; the conserved state stays as it is.
    """
    primitive = torch.empty_like(state)
    primitive[DENSITY] = state[DENSITY]
    torch.mul(state[MOMENTUM:], state[DENSITY].reciprocal(), out=primitive[VELOCITY:])
    heat = state[ENERGY].clone()
    for momentum, velocity in zip(state[MOMENTUM:], primitive[VELOCITY:], strict=True):
        heat.addcmul_(momentum, velocity, value=-0.5)
    torch.maximum(heat, state[ENERGY] * COLDEST, out=heat)
    torch.mul(heat, GAMMA - 1, out=primitive[PRESSURE])
    return primitive


def _file(config: CompressibleFlowConfig) -> str:
    """The published path and name."""
    dimension, start = config.dimension, NAMES[config.start]
    numbers = [text(value) for value in (config.eta, config.zeta)]
    if dimension == 1:
        numbers = [number.replace("1e-08", "1.e-8") for number in numbers]
    mach = "" if dimension == 1 else f"_M{text(config.mach)}"
    boundary = "periodic" if config.boundary == "periodic" else "trans"
    size = f"_{config.grid}" if dimension == 2 else ""
    folder = {1: "1D/CFD/Train", 2: f"2D/CFD/2D_Train_{start}", 3: "3D/Train"}[dimension]
    name = f"{dimension}D_CFD_{start}{mach}_Eta{numbers[0]}_Zeta{numbers[1]}_{boundary}{size}_Train"
    return f"{folder}/{name}.hdf5"
