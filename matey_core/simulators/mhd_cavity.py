"""Lid-driven cavity with a magnetic field: incompressible resistive MHD between four walls.

The velocity is advanced by a three-stage Runge–Kutta method with a projection in each stage.
The induced field is the curl of a potential on corners, so that it has no divergence; its
diffusion, stiff at a small magnetic Reynolds number, is implicit.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.fields import FieldSpec
from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import NonNegativeDrawn, PositiveDrawn, draw
from matey_core.simulators._induction import Induction, Walls
from matey_core.simulators._staggered import (
    IMAGINARY_LIMIT,
    KEEP,
    REAL_LIMIT,
    Box,
    Pair,
    mix_,
    walled_square,
)

COUPLED_LIMIT = 0.9
"""Largest damping rate, × dt, of a flow by a field that follows it at once."""
SAFETY = 0.9


@SIMULATORS.register("mhd_cavity")
class MhdCavityConfig(SimulatorConfig):
    """Settings of the MHD cavity."""

    frames: PositiveInt = 100
    """Frames of a trajectory, the start at rest included."""
    interval: PositiveFloat = 0.1
    """Time between two frames; the lid passes the box once in a time of 1."""
    reynolds: PositiveDrawn = (100.0, 1000.0)
    """Reynolds number Re."""
    magnetic_reynolds: PositiveDrawn = (0.1, 10.0)
    """Magnetic Reynolds number Rm."""
    stuart: NonNegativeDrawn = (0.0, 10.0)
    """Strength S of the Lorentz force: the squared ratio of Alfvén's speed to the lid's."""
    walls: Walls = "insulating"
    """`insulating`: the induced field along a wall vanishes; `conducting`: that across it."""
    field: Literal["transverse", "parallel"] = "transverse"
    """Direction of the imposed field: across the lid (y), or along its motion (x)."""
    regularized_lid: bool = False
    """Whether the lid moves at 16 x² (1 − x)², which is smooth at its ends, and not at 1."""

    def build(self) -> "MhdCavity":
        """Make the solver."""
        return MhdCavity(self)


class MhdCavity(Simulator):
    """Velocity v and induced field b in the unit square, under the imposed field B₀.

    v_t + v·∇v = −∇p + (1/Re) Δv + S (∇×b)×(B₀ + b),  ∇·v = 0
    b_t = ∇×(v×(B₀ + b)) + (1/Rm) Δb,                  ∇·b = 0

    States are u and v on faces and the potential a of b = (a_y, −a_x) on corners, each in
    the lower left part of n + 1 by n + 1 values.
    """

    layout = "stacked"
    origin = (0.0, 0.0)
    drive = 0.0
    """Acceleration along x; 0 in a cavity, where the lid drives the flow."""

    def __init__(self, config: MhdCavityConfig) -> None:
        super().__init__(config)
        self.config = config
        count = config.grid
        self.spec = FieldSpec(
            fields=tuple(
                known_field(f"{name}_{axis}")
                for name in ("velocity", "magnetic_field")
                for axis in ("x", "y")
            ),
            grid=walled_square(count),
            time_step=config.interval,
            dataset="2D_MHD_cavity",
        )
        self.file = "2D/MHD-cavity/2D_MHD_cavity_Train.hdf5"
        self.imposed = (0.0, 1.0) if config.field == "transverse" else (1.0, 0.0)
        x = torch.linspace(0, 1, count + 1, dtype=torch.float64)
        smooth = 16 * (x * (1 - x)) ** 2
        self.lid = smooth if config.regularized_lid else ((x > 0) & (x < 1)).double()
        self.lid_speed = float(self.lid.max())
        self.place(Box((count, count), 1 / count))

    def place(self, box: Box) -> None:
        """Solve in this box: in a channel, for tests."""
        self.box = box
        self.induction = Induction(box, self.config.walls)

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the three numbers; everything starts from rest."""
        config = self.config
        parameters = {
            "Re": draw(config.reynolds, random),
            "Rm": draw(config.magnetic_reynolds, random),
            "S": draw(config.stuart, random),
        }
        columns, rows = self.box.shape
        rest = torch.zeros(3, columns + 1, rows + 1, dtype=torch.float64)
        return Sample(state=rest, parameters=parameters)

    def stable_step(self, states: Float[Tensor, "b k x1 y1"], batch: Batch) -> Float[Tensor, " b"]:
        """A step for each sample, from friction, flow and Alfvén waves.

        Waves that diffusion outruns do not oscillate; they damp the flow at rate S·Rm·B².
        """
        spacing = self.box.spacing
        u, v = self.box.split(states)
        u_size, v_size = u[:, :-1].abs(), v[:, :, :-1].abs()
        flow = (u_size + v_size).amax((1, 2)).clamp(min=self.lid_speed) / spacing
        bx, by = self.induction.field(states[:, 2])
        largest = torch.maximum(
            (bx + self.imposed[0]).abs().amax((1, 2)), (by + self.imposed[1]).abs().amax((1, 2))
        )
        constants = {name: value.view(-1) for name, value in batch.parameters.items()}
        pull = constants["S"] * largest * largest
        damping = pull * constants["Rm"] * (IMAGINARY_LIMIT / COUPLED_LIMIT)
        wave = torch.minimum(pull.sqrt() / spacing, damping)
        friction = 8 / (constants["Re"] * spacing**2)
        rate = (friction / REAL_LIMIT).square() + ((flow + wave) / IMAGINARY_LIMIT).square()
        return SAFETY / rate.sqrt()

    def step(
        self, states: Float[Tensor, "b k x1 y1"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b k x1 y1"]:
        """Advance by three stages: at t + dt, at t + dt/2, and the result."""
        box = self.box
        step = dt[:, 0] if isinstance(dt, Tensor) else states.new_full((1, 1, 1), dt)
        quarter = step / (4 * box.spacing)
        rm = batch.parameters["Rm"].view(-1, 1, 1)
        march = self.induction.march(states[:, 2], step, rm)
        stages = states.clone()
        start, velocity = (box.moving(box.split(s)) for s in (states, stages))
        for keep, advance in zip(KEEP, (march.whole, march.middle, march.last), strict=True):
            rates, force = self._rates(stages, batch)
            advance(force, stages[:, 2])
            for value, rate, before in zip(velocity, rates, start, strict=True):
                mix_(value, rate, quarter, before, keep)
            box.project_(box.split(stages))
        return torch.where(dt > 0, stages, states) if isinstance(dt, Tensor) else stages

    def _rates(
        self, states: Float[Tensor, "b k x1 y1"], batch: Batch
    ) -> tuple[Pair, Float[Tensor, "b x1 y1"]]:
        """Acceleration times 4h, and the electromotive force v×B on corners."""
        constants = {name: value.view(-1, 1, 1) for name, value in batch.parameters.items()}
        box, spacing = self.box, self.box.spacing
        lid = self.lid.to(states.device, states.dtype)
        padded = box.pad(box.split(states), lid)
        flow = box.corners(padded)
        rates = box.acceleration(padded, flow, 1 / constants["Re"])
        field = self.induction.corners(states[:, 2], self.imposed)
        box.add_cross_(rates, field.curl * (constants["S"] / spacing**2), field)
        if self.drive:
            rates[0].add_(4 * spacing * self.drive)
        force = (flow.x * field.y).sub_(flow.y * field.x).mul_(0.25 / spacing)
        return rates, force

    def observe(self, states: Float[Tensor, "b k x1 y1"], batch: Batch) -> Float[Tensor, "b c x y"]:
        """Average the velocity and the induced field to cell centers.

        Sums over the four cells around a corner of both divergences stay at rounding.
        """
        field = self.induction.field(states[:, 2])
        return torch.cat([self.box.centers(f) for f in (self.box.split(states), field)], 1)
