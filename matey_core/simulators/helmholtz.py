"""2D Helmholtz equation at a random whole frequency, periodic; one frame in, one frame out.

The pretraining system "SYS-3" of arXiv 2306.00258; exact in Fourier space.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.errors import ConfigError, RunError
from matey_core.simulators import SIMULATORS, Batch, Sample
from matey_core.simulators import _steady as steady
from matey_core.simulators._drawn import PositiveDrawn, text
from matey_core.simulators._static import StaticSimulator

LARGEST_SOLUTION = 2.0
MAX_DRAWS = 1000


@SIMULATORS.register("helmholtz")
class HelmholtzConfig(steady.SteadyConfig):
    """Settings of the Helmholtz equation; the defaults are the published ones."""

    omega: PositiveDrawn = (1.0, 10.0)
    """ω: a number, or a range of whole numbers; published shifts are 1:5, 5:12, 10:15, 15:20."""

    def build(self) -> "Helmholtz":
        """Make the solver.

        Raises:
            ConfigError: a range whose ends are not whole numbers.
        """
        if isinstance(self.omega, tuple) and not all(end.is_integer() for end in self.omega):
            raise ConfigError(
                f"omega is drawn from whole numbers, but its range is {text(self.omega)}.",
                remedy="Give two whole numbers, such as --set omega=1:10.",
            )
        return Helmholtz(self)


class Helmholtz(StaticSimulator):
    """−0.01 Δu − ω u = f on the periodic unit square, f and u with their mean."""

    origin = steady.ORIGIN

    def __init__(self, config: HelmholtzConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/Helmholtz/2D_Helmholtz_o{text(config.omega)}.hdf5"
        self.spec = steady.steady_spec(config, "2D_Helmholtz")

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw ω and the source, again while |u| exceeds 2, which is near a resonance.

        Raises:
            RunError: it always does.
        """
        config = self.config
        k = steady.waves(steady.PUBLISHED_GRID, torch.float64, torch.device("cpu"))
        for _ in range(MAX_DRAWS):
            omega = self._draw_omega(random)
            amplitudes = steady.draw_bumps(config.bumps, random)
            published = steady.source_on(amplitudes, steady.PUBLISHED_GRID)
            solution = steady.solve(published, steady.inverse(symbol(k, omega)))
            if solution.abs().max().item() <= LARGEST_SOLUTION:
                source = steady.source_on(amplitudes, config.grid)
                return Sample(state=steady.start(source), parameters={"omega": omega})
        raise RunError(
            f"With omega {text(config.omega)}, none of {MAX_DRAWS} solutions stays "
            f"below {LARGEST_SOLUTION:g}.",
            remedy="Choose frequencies further from a resonance, omega = 0.3948 (m² + n²).",
        )

    def step(
        self, states: Float[Tensor, "b 2 x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 2 x y"]:
        """Solve."""
        k = steady.waves(states.shape[-1], states.dtype, states.device)
        return steady.solved(states, steady.inverse(symbol(k, batch.parameters["omega"])))

    def _draw_omega(self, random: np.random.RandomState) -> float:
        omega = self.config.omega
        if not isinstance(omega, tuple):
            return omega
        return float(random.randint(int(omega[0]), int(omega[1]) + 1))


def symbol(k: steady.SteadyWaves, omega: float | Tensor) -> Float[Tensor, "*b x k"]:
    """Symbol 0.01 |k|² − ω."""
    return steady.SCALE * (k.x**2 + k.y**2) - omega
