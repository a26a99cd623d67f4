"""Trajectories that linear stencils make, for forecasts that must continue them."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.fields import Boundary, Field, FieldSpec, Grid

Rule = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(a point's value, the one before it, the one after it) → what an axis adds to its change."""


def heat(own: Tensor, before: Tensor, after: Tensor) -> Tensor:
    return 0.1 * (before + after - 2 * own)


def upwind(own: Tensor, before: Tensor, after: Tensor) -> Tensor:
    return 0.3 * (before - own)


def smooth(shape: tuple[int, ...], *, samples: int = 2, fields: int = 2, seed: int = 0) -> Tensor:
    """Random fields with wavelengths of a quarter of the grid and more, in float64."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(samples, fields, *shape, generator=generator, dtype=torch.float64)
    axes = tuple(range(2, noise.ndim))
    waves = torch.meshgrid(*(torch.fft.fftfreq(size) * size for size in shape), indexing="ij")
    damping = torch.exp(-sum(wave**2 for wave in waves) / 9)
    return torch.fft.ifftn(torch.fft.fftn(noise, dim=axes) * damping, dim=axes).real


def change(
    state: Float[Tensor, "b c *space"],
    rule: Rule,
    *,
    wraps: bool,
    known: Bool[Tensor, "b c *space"] | None = None,
) -> Float[Tensor, "b c *space"]:
    """What a rule changes; beyond walls, and in missing cells, is the point's own value."""

    def neighbor(axis: int, step: int) -> Tensor:
        index = torch.arange(state.shape[axis]) + step
        index = index % len(index) if wraps else index.clamp(0, len(index) - 1)
        there = state.index_select(axis, index)
        return (
            there if known is None else torch.where(known.index_select(axis, index), there, state)
        )

    axes = range(2, state.ndim)
    return sum(rule(state, neighbor(axis, -1), neighbor(axis, 1)) for axis in axes)


def march(
    start: Float[Tensor, "b c *space"], rule: Rule, frames: int, *, wraps: bool = True
) -> Float[Tensor, "b t c *space"]:
    """Apply a rule again and again, in float64; returned in float32."""
    states = [start]
    while len(states) < frames:
        states.append(states[-1] + change(states[-1], rule, wraps=wraps))
    return torch.stack(states, dim=1).float()


def batch_of(
    history: Float[Tensor, "b t c *space"],
    leads: tuple[int, ...] = (1,),
    *,
    boundary: Boundary = "periodic",
    known: Bool[Tensor, "b c *space"] | None = None,
) -> FieldBatch:
    """A batch without targets."""
    samples, _, fields, *shape = history.shape
    grid = Grid(
        axes=("x", "y", "z")[: len(shape)],
        shape=tuple(shape),
        spacing=(1.0,) * len(shape),
        boundary=(boundary,) * len(shape),
    )
    spec = FieldSpec(
        fields=tuple(Field(name="uvwpq"[index]) for index in range(fields)),
        grid=grid,
        time_step=1.0,
    )
    return FieldBatch(
        spec=spec,
        history=history,
        lead_steps=torch.tensor([leads] * samples),
        valid=None if known is None else known.unsqueeze(1).repeat_interleave(len(leads), 1),
    )
