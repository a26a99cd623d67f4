"""2D FitzHugh–Nagumo diffusion–reaction between no-flux walls, from cell noise.

The equation, domain, start and file layout of PDEBench (arXiv 2210.07182, appendix D).
Second order in space (finite volumes), fourth in time: Strang splitting into diffusion, linear
and cubic reaction, each exact, and Richardson extrapolation.
"""

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import Drawn, PositiveDrawn, draw, ends
from matey_core.simulators._scratch import Scratch

LEFT, RIGHT = -1.0, 1.0
LONGEST_STEP = 0.05
DECAY = 0.32
"""Step × square root of the fastest decay rate: the splitting's error stays near 1e-4 of cell
noise, from 64² to 256² cells."""
LASTING = 8.0
"""Time × decay rate after which noise is gone."""


@SIMULATORS.register("diffusion_reaction")
class DiffusionReactionConfig(SimulatorConfig):
    """Settings of the diffusion–reaction solver; the defaults are the published ones."""

    diffusion_u: PositiveDrawn = 1e-3
    """Diffusion coefficient of the activator u."""
    diffusion_v: PositiveDrawn = 5e-3
    """Diffusion coefficient of the inhibitor v."""
    k: Drawn = 5e-3
    """Constant sink of the activator."""

    def build(self) -> "DiffusionReaction":
        """Make the solver."""
        return DiffusionReaction(self)


class DiffusionReaction(Simulator):
    """Activator u and inhibitor v on [−1, 1]², walls that nothing crosses.

    u_t = D_u Δu + u − u³ − k − v
    v_t = D_v Δv + u − v
    """

    file = "2D/diffusion-reaction/2D_diff-react_NA_NA.h5"
    layout = "grouped"
    origin = (LEFT, LEFT)

    def __init__(self, config: DiffusionReactionConfig) -> None:
        super().__init__(config)
        self.config = config
        spacing = (RIGHT - LEFT) / config.grid
        self.spec = FieldSpec(
            fields=(Field(name="activator"), Field(name="inhibitor")),
            grid=Grid(
                axes=("y", "x"),
                shape=(config.grid,) * 2,
                spacing=(spacing,) * 2,
                boundary=("no_flux",) * 2,
            ),
            time_step=config.interval,
            dataset="2D_diff-react_NA_NA",
        )
        self._scratch = Scratch()

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw N(0, 1) in each cell, u first: the published start of the same seed."""
        noise = random.standard_normal((len(self.spec.fields), *self.spec.grid.shape))
        config = self.config
        parameters = {
            "Du": draw(config.diffusion_u, random),
            "Dv": draw(config.diffusion_v, random),
            "k": draw(config.k, random),
        }
        return Sample(state=torch.from_numpy(noise), parameters=parameters)

    def stable_step(self, states: Float[Tensor, "b c y x"], batch: Batch) -> float:
        """Any step is stable; this one is accurate while the start's noise decays."""
        return self.accurate_step(0.0)

    def accurate_step(self, time: float) -> float:
        """Largest step that is accurate from some time on: what decays faster has gone."""
        fastest = max(ends(self.config.diffusion_u)[1], ends(self.config.diffusion_v)[1])
        rate = sum(4 * fastest / spacing**2 for spacing in self.spec.grid.spacing)
        return min(LONGEST_STEP, DECAY / math.sqrt(min(rate, LASTING / max(time, 1e-9))))

    def frames(self, batch: Batch) -> Iterator[Float[Tensor, "b c y x"]]:
        """Yield the states at every frame, the start first, by steps that grow."""
        states, interval = batch.states, self.spec.time_step
        yield states
        for start in self.times[:-1].tolist():
            steps = math.ceil(interval / self.accurate_step(start) - 1e-9)
            for _ in range(steps):
                states = self.step(states, interval / steps, batch)
            yield states

    def step(
        self, states: Float[Tensor, "b c y x"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b c y x"]:
        """Advance by one Strang step and by two of half the size, and extrapolate."""
        k = batch.parameters["k"]
        dt = dt.squeeze(1) if isinstance(dt, Tensor) else dt
        work = self._scratch.take((2, *states.shape), states.dtype, states.device)
        whole, half = (self._diffusion(length, batch) for length in (dt, dt / 2))

        coarse = states.clone()
        _damp(coarse, dt / 2, work)
        _diffuse_and_couple(coarse, dt, k, whole, work)
        _damp(coarse, dt / 2, work)

        fine = states.clone()
        _damp(fine, dt / 4, work)
        _diffuse_and_couple(fine, dt / 2, k, half, work)
        _damp(fine, dt / 2, work)
        _diffuse_and_couple(fine, dt / 2, k, half, work)
        _damp(fine, dt / 4, work)
        return fine.add_(coarse.neg_().add_(fine).mul_(1 / 3))

    def _diffusion(self, dt: float | Tensor, batch: Batch) -> Float[Tensor, "s c n n"]:
        """What `dt` of diffusion does along one axis, for u and v: one for all samples or each."""
        states, grid, config = batch.states, self.spec.grid, self.config
        per_area = 1 / grid.spacing[0] ** 2
        u, v = config.diffusion_u, config.diffusion_v
        if isinstance(dt, float) and isinstance(u, float) and isinstance(v, float):
            fixed = (dt * u * per_area, dt * v * per_area)
            return _fixed_decay(fixed, grid.shape[0], states.dtype, states.device)
        constants = [batch.parameters[name].double() for name in ("Du", "Dv")]
        times = torch.cat([dt * constant * per_area for constant in constants], 1)
        return _decay(times.flatten(1), grid.shape[0]).to(states.dtype)

    def describe(self, seed: int, parameters: Mapping[str, float]) -> Mapping[str, Any]:
        """Settings of one sample, as the published `config` attribute names them."""
        config = self.config
        return {
            "name": "2d_diff-react",
            "sim": {
                **parameters,
                "t": config.interval * (config.frames - 1),
                "tdim": config.frames,
                "x_left": LEFT,
                "x_right": RIGHT,
                "xdim": config.grid,
                "y_bottom": LEFT,
                "y_top": RIGHT,
                "ydim": config.grid,
                "n": 1,
                "seed": seed,
            },
        }


def _damp(states: Float[Tensor, "b 2 y x"], dt: float | Tensor, work: Tensor) -> None:
    """Solve u_t = −u³ exactly, in place."""
    u, size = states[:, 0], work[0][:, 0]
    torch.mul(u, u, out=size).mul_(2 * dt).add_(1).sqrt_()
    u.div_(size)


def _diffuse_and_couple(
    states: Float[Tensor, "b 2 y x"],
    dt: float | Tensor,
    k: Tensor,
    diffusion: Float[Tensor, "s 2 n n"],
    work: Tensor,
) -> None:
    """Advance by coupling, diffusion and coupling, in place."""
    _couple(states, dt / 2, k, work)
    torch.matmul(diffusion, states, out=work[0])
    torch.matmul(work[0], diffusion, out=states)
    _couple(states, dt / 2, k, work)


def _couple(states: Float[Tensor, "b 2 y x"], dt: float | Tensor, k: Tensor, work: Tensor) -> None:
    """Solve u_t = u − v − k, v_t = u − v exactly, in place: the matrix's square is zero."""
    u, v = states.unbind(1)
    gain = torch.sub(u, v, out=work[1][:, 0]).mul_(dt).sub_(k * (dt * dt / 2))
    u.add_(gain).sub_(k * dt)
    v.add_(gain)


def _decay(times: Float[Tensor, "s c"], size: int) -> Float[Tensor, "s c n n"]:
    """exp(t Δ) for the difference Laplacian of a row of cells between walls.

    Cosines at cell centers are its eigenvectors.

    Args:
        times: time × diffusion coefficient / spacing².
        size: cells of the row.
    """
    mode = torch.arange(size, dtype=times.dtype, device=times.device)
    basis = torch.cos(math.pi / size * (mode[:, None] + 0.5) * mode) * math.sqrt(2 / size)
    basis[:, 0] = 1 / math.sqrt(size)
    rates = -4 * torch.sin(math.pi / (2 * size) * mode) ** 2
    decay = torch.exp(times[..., None, None] * rates)
    return (basis * decay) @ basis.T


@functools.lru_cache(maxsize=16)
def _fixed_decay(
    times: tuple[float, float], size: int, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "1 c n n"]:
    values = _decay(torch.tensor([times], dtype=torch.float64), size)
    return values.to(device, dtype)
