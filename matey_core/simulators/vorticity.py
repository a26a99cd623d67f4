"""2D incompressible Navier–Stokes in vorticity form, periodic, stirred by a steady force.

The start and the force of the data sets of Li et al. (Fourier neural operator, arXiv
2010.08895). Dealiased Fourier modes in space; in time the classical Runge–Kutta method of
fourth order with an integrating factor: viscosity alone is exact.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec, Grid
from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import NonNegativeDrawn, PositiveDrawn, draw, text
from matey_core.simulators._lanes import apply
from matey_core.simulators._spectral import ModeTransform, kept, wavenumbers

FIELDS = ("velocity_x", "velocity_y", "vorticity")
RK4_IMAGINARY_LIMIT = 2.8
"""Largest frequency × dt for which the classical Runge–Kutta method is stable."""
SAFETY = 0.8
ROUGHNESS, DECAY = 7.0, 2.5
"""τ and α of the start's spectrum, τ^(2α − 2) (|2πk|² + τ²)^(−α)."""
LARGEST_DRAWN = 32
"""Wavenumber up to which the start has modes, where the grid has them."""


@SIMULATORS.register("vorticity")
class VorticityConfig(SimulatorConfig):
    """Settings of the periodic flow; the defaults span the published viscosities."""

    nu: PositiveDrawn = (1e-5, 1e-3)
    """Kinematic viscosity."""
    forcing: NonNegativeDrawn = 0.1
    """Amplitude a of the torque a (sin 2π(x + y) + cos 2π(x + y))."""
    frames: PositiveInt = 21
    """Frames of a trajectory, the start included."""
    interval: PositiveFloat = 1.0
    """Time between two frames."""

    def build(self) -> "Vorticity":
        """Make the solver.

        Raises:
            ConfigError: a grid that cannot show the force.
        """
        if kept(self.grid) < 1:
            raise ConfigError(
                f"grid is {self.grid}, but the flow is forced at a wavelength that needs 4 cells.",
                remedy="Choose a grid of 4 or more.",
            )
        return Vorticity(self)


class Vorticity(Simulator):
    """Vorticity ω of a flow v on the unit square, stepped as real and imaginary parts of modes.

    ω_t + v·∇ω = ν Δω + f        ∇·v = 0        ω = ∂x v_y − ∂y v_x
    """

    layout = "stacked"
    conserved = FIELDS

    def __init__(self, config: VorticityConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/Vorticity/2D_Vorticity_Nu{text(config.nu)}.hdf5"
        self.points = config.grid
        # Values stand at multiples of the spacing: coordinates are half a cell above the origin.
        self.origin = (-0.5 / config.grid,) * 2
        self.transform = ModeTransform(config.grid)
        self.spec = FieldSpec(
            fields=tuple(known_field(name) for name in FIELDS),
            grid=Grid(
                axes=("x", "y"),
                shape=(config.grid,) * 2,
                spacing=(1 / config.grid,) * 2,
                boundary=("periodic",) * 2,
            ),
            time_step=config.interval,
            dataset=f"2D_Vorticity_Nu{text(config.nu)}",
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw modes of a Gaussian field: the same field on any grid that has the modes.

        Args:
            random: generator; real parts of all modes come first.
        """
        shape = (LARGEST_DRAWN + 1, 2 * LARGEST_DRAWN + 1)
        real, imaginary = random.standard_normal((2, *shape))
        drawn = torch.from_numpy(real + 1j * imaginary)
        whole = kept(self.points)
        shared = min(whole, LARGEST_DRAWN)
        start = torch.zeros(whole + 1, 2 * whole + 1, dtype=torch.complex128)
        for columns in (slice(0, shared + 1), slice(-shared, None)):
            start[: shared + 1, columns] = drawn[: shared + 1, columns]
        start *= self._spread()
        # A real field: of modes k and −k along x only one is free.
        start[0, whole + 1 :] = start[0, 1 : whole + 1].flip(0).conj()
        parameters = {
            "nu": draw(self.config.nu, random),
            "forcing": draw(self.config.forcing, random),
        }
        return Sample(state=torch.view_as_real(start)[None], parameters=parameters)

    def _spread(self) -> Float[Tensor, "ky kx"]:
        """Standard deviation of a mode's real part, as the published program has it."""
        along_x, along_y = wavenumbers(self.points)
        spread = (along_x**2 + along_y**2 + ROUGHNESS**2) ** (-DECAY / 2)
        spread *= ROUGHNESS ** (DECAY - 1)
        spread[0, 0] = 0
        return spread

    def stable_step(
        self, states: Float[Tensor, "b 1 ky kx 2"], batch: Batch
    ) -> Float[Tensor, " b"]:
        """Most of what the largest wavenumber allows in the fastest wind, for each sample."""
        operators = self._operators(states)
        flow = self.transform.values(torch.view_as_complex(states), operators.fields[:2])
        speed = flow.abs_().sum(1).flatten(1).amax(1)
        # The force alone makes this speed until the next frame, even from rest.
        push = batch.parameters["forcing"].flatten() * (self.config.interval / math.pi)
        largest = 2 * math.pi * self.transform.largest
        return SAFETY * RK4_IMAGINARY_LIMIT / (largest * (speed + push))

    def step(
        self, states: Float[Tensor, "b 1 ky kx 2"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 1 ky kx 2"]:
        """Advance by one Runge–Kutta step for ω e^(ν|k|²t)."""
        start = states[:, 0].flatten(-2)
        viscosity, forcing = (batch.parameters[name][..., 0] for name in ("nu", "forcing"))
        dt = torch.as_tensor(dt, dtype=states.dtype, device=states.device).reshape(-1, 1, 1)
        half = self._decay(viscosity * dt / 2)
        late = half * dt
        decayed = start * half
        first = self.rate(start, forcing)
        second = self.rate(torch.addcmul(decayed, first, late / 2), forcing)
        third = self.rate(torch.addcmul(decayed, second, dt / 2), forcing)
        decayed.mul_(half)
        fourth = self.rate(torch.addcmul(decayed, third, late), forcing)
        first.mul_(half).add_(second.add_(third), alpha=2).mul_(half).add_(fourth)
        new = torch.addcmul(decayed, first, dt / 6)
        return new.view(states.shape)

    def rate(
        self, vorticity: Float[Tensor, "b ky pairs"], forcing: Float[Tensor, "b 1 1"]
    ) -> Float[Tensor, "b ky pairs"]:
        """Give −v·∇ω + f; the first is (∂y² − ∂x²)(uv) + ∂x∂y(u² − v²) with v = (u, v).

        Args:
            vorticity: (b, ky, 2 kx) modes of ω, real and imaginary parts interleaved.
            forcing: amplitude of the force, for each sample.
        """
        operators = self._operators(vorticity)
        modes = torch.view_as_complex(vorticity.unflatten(-1, (-1, 2)))
        flow = self.transform.values(modes[:, None], operators.fields[:2])
        u, v = flow.unbind(1)
        products = torch.empty_like(flow)
        torch.mul(u, v, out=products[:, 0])
        torch.mul(u, u, out=products[:, 1]).addcmul_(v, v, value=-1)
        change = self.transform.modes(products, operators.products)
        # Mode (1, 1) of sin 2π(x + y) + cos 2π(x + y) is ½ − ½i.
        change[:, 1, 2:3].add_(forcing[:, 0], alpha=0.5)
        change[:, 1, 3:4].sub_(forcing[:, 0], alpha=0.5)
        return change

    def _decay(self, amount: Float[Tensor, "b 1 1"]) -> Float[Tensor, "b ky pairs"]:
        """Give e^(−amount |k|²), for real and imaginary parts."""
        squares = self._operators(amount).squares
        along_x, along_y = (apply(torch.exp, -amount * square) for square in squares)
        return along_x * along_y

    def observe(
        self, states: Float[Tensor, "b 1 ky kx 2"], batch: Batch
    ) -> Float[Tensor, "b 3 x y"]:
        """Give velocities and vorticity at multiples of the spacing."""
        fields = self._operators(states).fields
        return self.transform.values(torch.view_as_complex(states), fields)

    def _operators(self, like: Tensor) -> "_Operators":
        return _operators(self.points, like.dtype, like.device)

    def densities(
        self, states: Float[Tensor, "b 1 ky kx 2"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b x y"]]:
        """Circulation, which is zero on a periodic square, and momentum."""
        return dict(zip(FIELDS, self.observe(states, batch).unbind(1), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operators:
    """Factors of modes."""

    fields: Complex[Tensor, "3 ky kx"]
    """From ω to u, v and ω: ψ = ω/|k|², u = ∂y ψ, v = −∂x ψ."""
    products: Float[Tensor, "2 ky pairs"]
    """Of uv and of u² − v² in the rate of ω."""
    squares: tuple[Float[Tensor, " pairs"], Float[Tensor, "ky 1"]]
    """Squares of the wavenumbers."""


@functools.cache
def _operators(points: int, dtype: torch.dtype, device: torch.device) -> _Operators:
    along_x, along_y = wavenumbers(points)
    square = along_x**2 + along_y**2
    square[0, 0] = torch.inf
    fields = [1j * along_y / square, -1j * along_x / square, torch.ones_like(square)]
    products = torch.stack([along_x**2 - along_y**2, -along_x * along_y])
    return _Operators(
        fields=torch.stack(fields).to(device, dtype.to_complex()),
        products=products.repeat_interleave(2, -1).to(device, dtype),
        squares=(
            (along_x**2).repeat_interleave(2).to(device, dtype),
            (along_y**2).to(device, dtype),
        ),
    )
