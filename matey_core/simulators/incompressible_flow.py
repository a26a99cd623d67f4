"""Incompressible Navier–Stokes in a walled square, forced, with a passive scalar (ns_incom).

Staggered grid, three-stage Runge–Kutta in time, and a projection in each stage that leaves a
divergence of rounding only.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.fields import FieldSpec
from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import PositiveDrawn, draw
from matey_core.simulators._smooth_noise import SmoothNoise
from matey_core.simulators._staggered import KEEP, REAL_LIMIT, Box, Faces, Pair, mix_, walled_square
from matey_core.simulators._tracer import carry

FORCE = (known_field("force_x"), known_field("force_y"))
CARRIED = 1.0
"""Cells that the flow may cross in a step: beyond, the scalar would overshoot."""
SAFETY = 0.9


@SIMULATORS.register("incompressible_flow")
class IncompressibleFlowConfig(SimulatorConfig):
    """Settings of the incompressible flow; the defaults are the published ones."""

    frames: PositiveInt = 100
    """Frames of a trajectory, the start included; published: 1000."""
    interval: PositiveFloat = 0.005
    """Time between two frames."""
    nu: PositiveDrawn = 0.01
    """Kinematic viscosity ν."""
    smoothness: PositiveFloat = 1.0
    """The start's amplitudes fall as wavenumber^(−2 smoothness)."""
    scale: PositiveFloat = 0.4
    """Wavenumbers of the start are above 0.316 / scale."""
    force_smoothness: PositiveFloat = 3.0
    """The same for the force."""
    force_scale: PositiveFloat = 0.15
    """The same for the force."""
    force_acts_on: Literal["tracer", "fluid"] = "tracer"
    """`tracer`: the fluid is accelerated by c f, as in the published files; `fluid`: by f."""

    def build(self) -> "IncompressibleFlow":
        """Make the solver."""
        return IncompressibleFlow(self)


class IncompressibleFlow(Simulator):
    """Velocity v and scalar c in the unit square, walls without slip.

    v_t + v·∇v = −∇p + ν Δv + c f,  ∇·v = 0
    c_t + ∇·(v c) = 0

    States are u and v on faces and c in cells, each in the lower left part of n + 1 by
    n + 1 values.
    """

    layout = "incompressible"
    origin = (0.0, 0.0)
    static_fields = FORCE
    conserved = ("tracer",)

    def __init__(self, config: IncompressibleFlowConfig) -> None:
        super().__init__(config)
        self.config = config
        count = config.grid
        self.name = f"ns_incom_inhom_2d_{count}"
        self.file = f"2D/NS_incom/{self.name}-0.h5"
        self.spec = FieldSpec(
            fields=tuple(known_field(name) for name in ("velocity_x", "velocity_y", "tracer")),
            grid=walled_square(count),
            time_step=config.interval,
            dataset=self.name,
        )
        self.box = Box((count, count), 1 / count)

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw random smooth fields for u, v, c and both components of the force, in this order.

        The velocity is made free of divergence, and is 0 across walls.
        """
        config, count = self.config, self.config.grid
        centers, faces = (np.arange(count) + 0.5) / count, np.arange(count + 1) / count
        u, v, c = (SmoothNoise(random, config.smoothness, config.scale) for _ in range(3))
        force = [SmoothNoise(random, config.force_smoothness, config.force_scale) for _ in FORCE]
        state = torch.zeros(1, 3, count + 1, count + 1, dtype=torch.float64)
        velocity, tracer = self._split(state)
        velocity[0].copy_(torch.from_numpy(u(faces, centers, points=count)))
        velocity[1].copy_(torch.from_numpy(v(centers, faces, points=count)))
        tracer.copy_(torch.from_numpy(c(centers, centers, points=count)))
        self._confine_(velocity)
        static = np.stack([part(centers, centers, points=count) for part in force])
        return Sample(
            state=state[0],
            parameters={"NU": draw(config.nu, random)},
            static=torch.from_numpy(static),
        )

    def start(self, centers: Float[Tensor, "b 3 x y"]) -> Float[Tensor, "b 3 x1 y1"]:
        """Make states from values at cell centers, such as a frame of a file.

        Args:
            centers: velocity and scalar; means of neighbors give the velocity on faces, of
                which the part with divergence is then taken away.
        """
        count = self.config.grid
        states = centers.new_zeros(len(centers), 3, count + 1, count + 1)
        velocity, tracer = self._split(states)
        _add_to_faces(self.box.moving(velocity), centers / 2)
        tracer.copy_(centers[:, 2])
        self._confine_(velocity)
        return states

    def stable_step(self, states: Float[Tensor, "b k x1 y1"], batch: Batch) -> Float[Tensor, " b"]:
        """A step for each sample, from its viscosity and its largest speed."""
        u, v = self.box.split(states)
        speed = (u[:, :-1].abs() + v[:, :, :-1].abs()).amax((1, 2))
        spacing = self.box.spacing
        friction = 8 * batch.parameters["NU"].view(-1) / spacing**2
        rate = (friction / REAL_LIMIT).square() + (speed / (spacing * CARRIED)).square()
        return SAFETY / rate.sqrt()

    def step(
        self, states: Float[Tensor, "b k x1 y1"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b k x1 y1"]:
        """Advance by three stages, each with a projection."""
        box = self.box
        step = dt[:, 0] if isinstance(dt, Tensor) else states.new_full((1, 1, 1), dt)
        quarter = step / (4 * box.spacing)
        viscosity = batch.parameters["NU"].view(-1, 1, 1)
        stages = states.clone()
        (velocity, tracer), (old, old_tracer) = self._split(stages), self._split(states)
        moving, start = box.moving(velocity), box.moving(old)
        for keep in KEEP:
            padded = box.pad(velocity)
            rates = box.acceleration(padded, box.corners(padded), viscosity)
            self._push_(rates, tracer, batch)
            carried = carry(tracer, velocity, box.spacing)
            for value, rate, before in zip(moving, rates, start, strict=True):
                mix_(value, rate, quarter, before, keep)
            mix_(tracer, carried, step, old_tracer, keep)
            box.project_(velocity)
        return torch.where(dt > 0, stages, states) if isinstance(dt, Tensor) else stages

    def observe(self, states: Float[Tensor, "b k x1 y1"], batch: Batch) -> Float[Tensor, "b c x y"]:
        """Average the velocity to cell centers; the scalar is there already."""
        velocity, tracer = self._split(states)
        return torch.cat([self.box.centers(velocity), tracer[:, None]], 1)

    def densities(
        self, states: Float[Tensor, "b k x1 y1"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b x1 y1"]]:
        """The scalar: nothing crosses the walls."""
        return {"tracer": states[:, 2]}

    def describe(self, seed: int, parameters: Mapping[str, float]) -> Mapping[str, Any]:
        """Settings as the published root attribute `config` names them."""
        config = self.config
        return {
            "sim_name": self.name,
            "label": "ns_incomp_inhom_2d",
            "domain_size": [1, 1],
            "grid_size": [config.grid, config.grid],
            "particle_extrapolation": "BOUNDARY",
            "velocity_extrapolation": "ZERO",
            **parameters,
            "force_extrapolation": "ZERO",
            "seed": seed,
            "smoothness": config.smoothness,
            "scale": config.scale,
            "force_smoothness": config.force_smoothness,
            "force_scale": config.force_scale,
            "frame_int": 1,
            "n_steps": config.frames,
            "DT": config.interval,
        }

    def _push_(self, rates: Pair, tracer: Float[Tensor, "b x y"], batch: Batch) -> None:
        """Add the force, times 4h, to the acceleration, in place."""
        if batch.static is None:
            return
        force = batch.static * (2 * self.box.spacing)
        if self.config.force_acts_on == "tracer":
            force *= tracer[:, None]
        _add_to_faces(rates, force)

    def _split(self, states: Float[Tensor, "b 3 x1 y1"]) -> tuple[Faces, Float[Tensor, "b x y"]]:
        columns, rows = self.box.shape
        return self.box.split(states), states[:, 2, :columns, :rows]

    def _confine_(self, velocity: Faces) -> None:
        """Close the walls, and take the divergence away."""
        u, v = velocity
        u[:, 0] = u[:, -1] = 0
        v[:, :, 0] = v[:, :, -1] = 0
        self.box.project_(velocity)


def _add_to_faces(inner: Pair, centers: Float[Tensor, "b c x y"]) -> None:
    """Add the sums of neighboring cells to a field on inner faces, in place."""
    inner[0].add_(centers[:, 0, :-1]).add_(centers[:, 0, 1:])
    inner[1].add_(centers[:, 1, :, :-1]).add_(centers[:, 1, :, 1:])
