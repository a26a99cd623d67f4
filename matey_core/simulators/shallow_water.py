"""2D shallow water: a circular dam breaks over an open plane.

The equation, domain, start and file layout of PDEBench (arXiv 2210.07182, appendix D).
Second-order wave propagation (LeVeque 2002, chapters 6 and 15): Roe's solver, monotonized-central
limiter, one direction after the other.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import PositiveDrawn, draw, ends
from matey_core.simulators._roe import BUFFERS, GHOSTS, Sweep
from matey_core.simulators._scratch import Scratch

LEFT, RIGHT = -2.5, 2.5
OUTER_HEIGHT = 1.0
COURANT = 0.5
"""Cells that the fastest wave may cross in one step; each direction is stable up to 1."""
BISECTIONS = 60


@SIMULATORS.register("shallow_water")
class ShallowWaterConfig(SimulatorConfig):
    """Settings of the shallow-water solver; the defaults are the published ones."""

    interval: PositiveFloat = 0.01
    """Time between two frames."""
    dam_radius: PositiveDrawn = (0.3, 0.7)
    """Radius of the column of water, around the middle of the domain."""
    inner_height: PositiveDrawn = 2.0
    """Height of the column; the water around it is 1 high."""
    gravity: PositiveDrawn = 1.0
    """Gravitational acceleration."""
    sweeps: Literal["symmetric", "x_first"] = "symmetric"
    """Mean of x before y and y before x, or x before y alone, as published."""

    def build(self) -> "ShallowWater":
        """Make the solver.

        Raises:
            ConfigError: the column is lower than the water around it.
        """
        lowest = ends(self.inner_height)[0]
        if lowest < OUTER_HEIGHT:
            raise ConfigError(
                f"inner_height is {lowest}; the column cannot be lower than the water around "
                f"it, which is {OUTER_HEIGHT:g} high.",
                remedy=f"Set inner_height to {OUTER_HEIGHT:g} or more.",
            )
        return ShallowWater(self)


class ShallowWater(Simulator):
    """Height h and velocity v on [−2.5, 2.5]², edges that let waves out.

    h_t + ∇·(hv) = 0
    (hv)_t + ∇·(h v⊗v + ½ g h²) = 0

    The states are h and both components of hv; only h is stored.
    """

    file = "2D/shallow-water/2D_rdb_NA_NA.h5"
    layout = "grouped"
    origin = (LEFT, LEFT)
    can_compile = False  # The compiler does not take passes that write into parts of tensors.

    def __init__(self, config: ShallowWaterConfig) -> None:
        super().__init__(config)
        self.config = config
        spacing = (RIGHT - LEFT) / config.grid
        self.spec = FieldSpec(
            fields=(Field(name="height", bounds=(0.0, None)),),
            grid=Grid(
                axes=("x", "y"),
                shape=(config.grid,) * 2,
                spacing=(spacing,) * 2,
                boundary=("outflow",) * 2,
            ),
            time_step=config.interval,
            dataset="2D_rdb_NA_NA",
        )
        self._scratch = Scratch()
        self.fastest = fastest_wave(ends(config.inner_height)[1], ends(config.gravity)[1])
        duration = config.interval * (config.frames - 1)
        stays_inside = ends(config.dam_radius)[1] + self.fastest * duration < RIGHT
        self.conserved = ("height",) if stays_inside else ()

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the radius: the published start of the same seed."""
        config = self.config
        radius = draw(config.dam_radius, random)
        parameters = {
            "gravity": draw(config.gravity, random),
            "dam_radius": radius,
            "inner_height": draw(config.inner_height, random),
        }
        centres = LEFT + (np.arange(config.grid) + 0.5) * self.spec.grid.spacing[0]
        inside = np.sqrt(centres[:, None] ** 2 + centres**2) <= radius
        height = np.where(inside, parameters["inner_height"], OUTER_HEIGHT)
        rest = np.zeros_like(height)
        return Sample(state=torch.from_numpy(np.stack([height, rest, rest])), parameters=parameters)

    def stable_step(self, states: Float[Tensor, "b c x y"], batch: Batch) -> float:
        """What the fastest possible wave of these settings needs for half a cell."""
        return COURANT * self.spec.grid.spacing[0] / self.fastest

    def step(
        self, states: Float[Tensor, "b c x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b c x y"]:
        """Advance by one sweep along each axis."""
        ratio = dt / self.spec.grid.spacing[0]
        ratio = ratio.view(-1, 1) if isinstance(ratio, Tensor) else ratio
        gravity = batch.parameters["gravity"].view(-1, 1)
        # Rows behind one another: each sweep runs through memory without a gap. What it mixes
        # from the end of a row into the next stays in ghost cells.
        lines, row = (points + 2 * GHOSTS for points in states.shape[-2:])
        shape = (4 * 3 + BUFFERS, len(states), lines * row)
        memory = self._scratch.take(shape, states.dtype, states.device)
        padded, middle, last, other = memory[:12].split(3)
        along_x = Sweep(axis=0, stride=row, ratio=ratio, gravity=gravity, work=memory[12:])
        along_y = Sweep(axis=1, stride=1, ratio=ratio, gravity=gravity, work=memory[12:])

        _pad(states, padded)
        result = along_y(along_x(padded, middle), last)
        if self.config.sweeps == "symmetric":
            result.add_(along_x(along_y(padded, middle), other)).mul_(0.5)
        # Each sweep took `GHOSTS` lines or cells off both ends: result begins at the first cell.
        size = states.movedim(1, 0).shape
        return result.as_strided(size, (*result.stride()[:2], row, 1)).movedim(0, 1).contiguous()

    def observe(self, states: Float[Tensor, "b c x y"], batch: Batch) -> Float[Tensor, "b 1 x y"]:
        """Give the height."""
        return states[:, :1]

    def densities(
        self, states: Float[Tensor, "b c x y"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b x y"]]:
        """Mass, if no wave reaches an edge before the last frame."""
        return {"mass": states[:, 0]} if self.conserved else {}

    def describe(self, seed: int, parameters: Mapping[str, float]) -> Mapping[str, Any]:
        """Settings of one sample, as the published `config` attribute names them."""
        config = self.config
        return {
            "name": "2d_rdb",
            "sim": {
                "T_end": config.interval * (config.frames - 1),
                "n_time_steps": config.frames - 1,
                "xdim": config.grid,
                "ydim": config.grid,
                **parameters,
                "x_left": LEFT,
                "x_right": RIGHT,
                "y_bottom": LEFT,
                "y_top": RIGHT,
                "seed": seed,
            },
        }


def fastest_wave(inner_height: float, gravity: float) -> float:
    """Speed that no wave of a breaking dam exceeds: |v| + √(gh) behind its shock.

    A plane dam's: the front of a circular one only loses strength on its way
    (Stoker 1957, section 10.8).

    Args:
        inner_height: height behind the dam, at least the height before it.
        gravity: gravitational acceleration.
    """
    low, high = OUTER_HEIGHT, inner_height
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        behind_rarefaction = 2 * (math.sqrt(inner_height) - math.sqrt(middle))
        behind_shock = (middle - OUTER_HEIGHT) * math.sqrt((1 / middle + 1 / OUTER_HEIGHT) / 2)
        low, high = (middle, high) if behind_rarefaction > behind_shock else (low, middle)
    return math.sqrt(gravity) * (2 * math.sqrt(inner_height) - math.sqrt(low))


def _pad(states: Float[Tensor, "b 3 x y"], out: Float[Tensor, "3 b n"]) -> None:
    """Repeat the outermost cells outside: zero-order extrapolation lets waves out."""
    rows, columns = (points + 2 * GHOSTS for points in states.shape[-2:])
    grid = out.view(3, len(states), rows, columns)
    grid[..., GHOSTS:-GHOSTS, GHOSTS:-GHOSTS] = states.movedim(1, 0)
    for axis in (-2, -1):
        size = grid.shape[axis]
        for ghosts, edge in ((0, GHOSTS), (size - GHOSTS, size - GHOSTS - 1)):
            grid.narrow(axis, ghosts, GHOSTS).copy_(grid.narrow(axis, edge, 1))
