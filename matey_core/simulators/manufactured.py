"""Manufactured solutions of linear equations in 1D to 3D: random, smooth, with exact forcing.

The solution is drawn and the source follows from it, with all derivatives exact.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field as Setting
from pydantic import PositiveInt
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators import SIMULATORS, Batch, Sample
from matey_core.simulators._drawn import NonNegativeDrawn, PositiveDrawn, draw
from matey_core.simulators._manufactured import SmoothFunction, cell_centers, random_function
from matey_core.simulators._static import StaticConfig, StaticSimulator

Operator = Literal["diffusion", "advection_diffusion", "reaction_diffusion", "helmholtz"]
AXES = ("x", "y", "z")
SIGN = {"reaction_diffusion": 1.0, "helmholtz": -1.0}
"""Sign of the term without derivatives, where there is one."""


@SIMULATORS.register("manufactured")
class ManufacturedConfig(StaticConfig):
    """Settings of manufactured solutions."""

    dimension: Literal[1, 2, 3] = 2
    """Space axes."""
    operator: Operator = "diffusion"
    """Terms beside the diffusion: v·∇u, + c u (reaction_diffusion) or − c u (helmholtz)."""
    boundary: Literal["periodic", "dirichlet", "no_flux"] = "periodic"
    """`dirichlet`: the solution is 0 on the walls."""
    varying: bool = False
    """Whether coefficients are smooth functions of position, stored beside the source."""
    contrast: Annotated[float, Setting(ge=0, lt=1)] = 0.5
    """Largest relative deviation of a varying coefficient from its level."""
    diffusivity: PositiveDrawn = (0.5, 2.0)
    """Level of a."""
    speed: NonNegativeDrawn = (0.0, 10.0)
    """Size of v."""
    reaction: NonNegativeDrawn = (1.0, 10.0)
    """Level of c."""
    waves: PositiveInt = 8
    """Waves that the solution is the sum of."""
    wavenumber: PositiveInt = 4
    """Largest number of periods (between walls: of half periods) along an axis."""

    def build(self) -> "Manufactured":
        """Make the source of solutions."""
        return Manufactured(self)


class Problem(NamedTuple):
    """A solution and the coefficients of its equation."""

    solution: SmoothFunction
    diffusivity: SmoothFunction
    velocity: tuple[SmoothFunction, ...]
    """One per axis, or none."""
    reaction: SmoothFunction | None
    """With its sign."""

    def source(self, points: list[Tensor]) -> Tensor:
        """Evaluate −∇·(a∇u) + v·∇u + c u.

        Args:
            points: coordinates per axis; see `SmoothFunction`.
        """
        slopes = self.solution.gradient(points)
        source = -self.diffusivity.value(points) * self.solution.laplacian(points)
        for slope, coefficient_slope in zip(slopes, self.diffusivity.gradient(points), strict=True):
            source = source - coefficient_slope * slope
        for slope, velocity in zip(slopes, self.velocity, strict=False):
            source = source + velocity.value(points) * slope
        if self.reaction:
            source = source + self.reaction.value(points) * self.solution.value(points)
        return source


class Manufactured(StaticSimulator):
    """−∇·(a∇u) + v·∇u ± c u = f on the unit interval, square or cube."""

    def __init__(self, config: ManufacturedConfig) -> None:
        super().__init__(config)
        self.config = config
        axes = AXES[: config.dimension]
        self.origin = (0.0,) * len(axes)
        self.lengths = (1.0,) * len(axes)
        name = f"{config.dimension}D_Manufactured_{config.operator}_{config.boundary}"
        name += "_varying" if config.varying else ""
        self.file = f"{config.dimension}D/Manufactured/{name}.hdf5"
        coefficients = [Field(name="diffusion_coefficient", bounds=(0.0, None))]
        if config.operator == "advection_diffusion":
            coefficients += [Field(name=f"velocity_{axis}", component=(axis,)) for axis in axes]
        if config.operator in SIGN:
            coefficients.append(Field(name="reaction_coefficient", bounds=(0.0, None)))
        self.spec = FieldSpec(
            fields=(
                Field(name="source"),
                Field(name="solution"),
                *(coefficients if config.varying else ()),
            ),
            grid=Grid(
                axes=axes,
                shape=(config.grid,) * len(axes),
                spacing=(1 / config.grid,) * len(axes),
                boundary=(config.boundary,) * len(axes),
            ),
            time_step=config.interval,
            dataset=name,
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a problem and evaluate it: what the state holds is its solution already."""
        problem = self.problem(random)
        points = cell_centers(self.spec.grid.shape, self.lengths)
        functions = [problem.diffusivity, *problem.velocity]
        fields = [problem.source(points), problem.solution.value(points)]
        parameters = {"a": problem.diffusivity.mean}
        parameters |= {
            f"v_{axis}": function.mean
            for axis, function in zip(AXES, problem.velocity, strict=False)
        }
        values = [function.value(points) for function in functions]
        if problem.reaction:
            sign = SIGN[self.config.operator]
            parameters["c"] = sign * problem.reaction.mean
            values.append(sign * problem.reaction.value(points))
        if self.config.varying:
            fields += values
        return Sample(state=torch.stack(fields), parameters=parameters)

    def problem(self, random: np.random.RandomState) -> Problem:
        """Draw a solution and coefficients."""
        config = self.config
        solution = random_function(
            random,
            lengths=self.lengths,
            boundary=config.boundary,
            waves=config.waves,
            wavenumber=config.wavenumber,
        )
        diffusivity = self._coefficient(draw(config.diffusivity, random), random)
        velocity: tuple[SmoothFunction, ...] = ()
        if config.operator == "advection_diffusion":
            direction = random.standard_normal(config.dimension)
            direction *= draw(config.speed, random) / np.linalg.norm(direction)
            velocity = tuple(self._coefficient(part, random) for part in direction.tolist())
        reaction = None
        if config.operator in SIGN:
            level = SIGN[config.operator] * draw(config.reaction, random)
            reaction = self._coefficient(level, random)
        return Problem(solution, diffusivity, velocity, reaction)

    def step(
        self, states: Float[Tensor, "b k *space"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b k *space"]:
        """Nothing is left to solve."""
        return states

    def frames(self, batch: Batch) -> Iterator[Float[Tensor, "b k *space"]]:
        """Yield the states without their solution, and with it."""
        start = batch.states.clone()
        start[:, 1] = 0
        yield start
        yield batch.states

    def _coefficient(self, level: float, random: np.random.RandomState) -> SmoothFunction:
        config = self.config
        return random_function(
            random,
            lengths=self.lengths,
            boundary="periodic" if config.boundary == "periodic" else "no_flux",
            mean=level,
            amplitude=config.contrast * abs(level) if config.varying else 0.0,
            waves=config.waves,
            wavenumber=config.wavenumber,
        )
