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
from matey_core.simulators._spectral import kept, modes, values, wavenumbers

FIELDS = ("velocity_x", "velocity_y", "vorticity")
RK4_IMAGINARY_LIMIT = 2.8
"""Largest frequency × dt for which the classical Runge–Kutta method is stable."""
SAFETY = 0.5
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
    origin = (0.0, 0.0)
    conserved = FIELDS

    def __init__(self, config: VorticityConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/Vorticity/2D_Vorticity_Nu{text(config.nu)}.hdf5"
        self.points = config.grid
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
        shape = (2 * LARGEST_DRAWN + 1, LARGEST_DRAWN + 1)
        real, imaginary = random.standard_normal((2, *shape))
        drawn = torch.from_numpy(real + 1j * imaginary)
        largest = min(kept(self.points), LARGEST_DRAWN)
        start = torch.zeros(
            2 * kept(self.points) + 1, kept(self.points) + 1, dtype=torch.complex128
        )
        for rows in (slice(0, largest + 1), slice(-largest, None)):
            start[rows, : largest + 1] = drawn[rows, : largest + 1]
        start *= self._spread()
        # A real field: of modes k and −k along x only one is free.
        start[kept(self.points) + 1 :, 0] = start[1 : kept(self.points) + 1, 0].flip(0).conj()
        parameters = {
            "nu": draw(self.config.nu, random),
            "forcing": draw(self.config.forcing, random),
        }
        return Sample(state=torch.view_as_real(start)[None], parameters=parameters)

    def _spread(self) -> Float[Tensor, "kx ky"]:
        """Standard deviation of a mode's real part, as the published program has it."""
        along_x, along_y = wavenumbers(self.points, like=torch.zeros(0, dtype=torch.float64))
        spread = (along_x**2 + along_y**2 + ROUGHNESS**2) ** (-DECAY / 2)
        spread *= ROUGHNESS ** (DECAY - 1)
        spread[0, 0] = 0
        return spread

    def stable_step(
        self, states: Float[Tensor, "b 1 kx ky 2"], batch: Batch
    ) -> Float[Tensor, " b"]:
        """Half of what the largest wavenumber allows in the fastest wind, for each sample."""
        operators = _operators(self.points, states.dtype, states.device)
        flow = values(operators.velocity * _complex(states), self.points)
        speed = flow.abs().sum(1).flatten(1).amax(1)
        # The force alone makes this speed until the next frame, even from rest.
        push = batch.parameters["forcing"].flatten() * (self.config.interval / math.pi)
        largest = 2 * math.pi * max(kept(self.points), 1)
        return SAFETY * RK4_IMAGINARY_LIMIT / (largest * (speed + push))

    def step(
        self, states: Float[Tensor, "b 1 kx ky 2"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 1 kx ky 2"]:
        """Advance by one Runge–Kutta step for ω e^(ν|k|²t)."""
        start = _complex(states)[:, 0]
        operators = _operators(self.points, states.dtype, states.device)
        viscosity, forcing = (batch.parameters[name][..., 0] for name in ("nu", "forcing"))
        dt = torch.as_tensor(dt, dtype=states.dtype, device=states.device)
        dt = (dt if dt.ndim else dt.expand(states.shape[0])).reshape(-1, 1, 1)
        half = self._decay(viscosity * dt / 2)
        decayed = start * half

        def rate(vorticity: Tensor) -> Tensor:
            change = self.advection(vorticity)
            change[:, 1:2, 1:2] += forcing * operators.force
            return change

        first = rate(start)
        second = rate(decayed + first * (half * (dt / 2)))
        third = rate(decayed + second * (dt / 2))
        decayed = decayed * half
        fourth = rate(decayed + third * (half * dt))
        middle = second.add_(third).mul_(half * (dt / 3))
        total = first.mul_(half * half * (dt / 6)).add_(middle).add_(fourth.mul_(dt / 6))
        return torch.view_as_real(total.add_(decayed))[:, None]

    def advection(self, vorticity: Complex[Tensor, "b kx ky"]) -> Complex[Tensor, "b kx ky"]:
        """Give the modes of −v·∇ω, which is (∂y² − ∂x²)(uv) + ∂x∂y(u² − v²), v = (u, v).

        Args:
            vorticity: (b, kx, ky) modes of ω.
        """
        real = vorticity.real
        operators = _operators(self.points, real.dtype, real.device)
        flow = values(operators.velocity * vorticity[:, None], self.points)
        u, v = flow.unbind(1)
        products = torch.empty_like(flow)
        torch.mul(u, v, out=products[:, 0])
        torch.mul(u + v, u - v, out=products[:, 1])
        return modes(products).mul_(operators.products).sum(1)

    def _decay(self, amount: Float[Tensor, "b 1 1"]) -> Float[Tensor, "b kx ky"]:
        """Give e^(−amount |k|²)."""
        along_x, along_y = wavenumbers(self.points, like=amount)
        return apply(torch.exp, -amount * along_x**2) * apply(torch.exp, -amount * along_y**2)

    def observe(
        self, states: Float[Tensor, "b 1 kx ky 2"], batch: Batch
    ) -> Float[Tensor, "b 3 x y"]:
        """Give velocities and vorticity at the cells' lower corners."""
        del batch
        operators = _operators(self.points, states.dtype, states.device)
        vorticity = _complex(states)
        return values(torch.cat([operators.velocity * vorticity, vorticity], 1), self.points)

    def densities(
        self, states: Float[Tensor, "b 1 kx ky 2"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b x y"]]:
        """Circulation, which is zero on a periodic square, and momentum."""
        return dict(zip(FIELDS, self.observe(states, batch).unbind(1), strict=True))


def _complex(states: Float[Tensor, "b 1 kx ky 2"]) -> Complex[Tensor, "b 1 kx ky"]:
    return torch.view_as_complex(states.contiguous())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operators:
    """Factors of modes."""

    velocity: Complex[Tensor, "2 kx ky"]
    """From ω to u and v: ψ = ω/|k|², u = ∂y ψ, v = −∂x ψ."""
    products: Float[Tensor, "2 kx ky"]
    """Of uv and of u² − v² in the rate of ω."""
    force: Complex[Tensor, ""]
    """Mode (1, 1) of sin 2π(x + y) + cos 2π(x + y)."""


@functools.cache
def _operators(points: int, dtype: torch.dtype, device: torch.device) -> _Operators:
    along_x, along_y = wavenumbers(points, like=torch.zeros(0, dtype=torch.float64))
    square = along_x**2 + along_y**2
    square[0, 0] = torch.inf
    velocity = torch.stack([1j * along_y / square, -1j * along_x / square])
    products = torch.stack([along_x**2 - along_y**2, -along_x * along_y])
    complex_dtype = dtype.to_complex()
    return _Operators(
        velocity=velocity.to(device, complex_dtype),
        products=products.to(device, dtype),
        force=torch.tensor(0.5 - 0.5j, dtype=complex_dtype, device=device),
    )
