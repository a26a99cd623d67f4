"""Shallow water around a square pier, as arrays whose solid cells are NaN.

python -m bench.obstacle --samples 96 --seed 0 --out ./pier
matey prepare array ./pier --dims sample,time,x,y --boundary outflow --allow-missing --out ./stores

A column of water collapses near a pier of any place and size, whose sides reflect its wave. Domain
and scheme are those of `matey simulate shallow-water`.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from matey_core.simulators import Batch, Sample
from matey_core.simulators._guard import Guard
from matey_core.simulators._integrate import collate
from matey_core.simulators._roe import BUFFERS, GHOSTS, Sweep
from matey_core.simulators.shallow_water import (
    LEFT,
    OUTER_HEIGHT,
    ShallowWater,
    ShallowWaterConfig,
)

SIDES = (5, 12)
"""Cells along a side of the pier; opposite sides must not share ghost cells."""
MARGIN = 5
"""Cells between the pier and the edges of the domain, at least."""
NEAREST, FARTHEST = 0.1, 0.6
"""Distance of the pier from the column, which its wave crosses in a few frames."""
ENDS = ("first_x", "last_x", "first_y", "last_y")


class Pier(ShallowWater):
    """A breaking dam and a solid square, both drawn."""

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the pier, and a column of water that does not touch it."""
        cells, spacing = self.config.grid, self.spec.grid.spacing[0]
        centres = LEFT + (np.arange(cells) + 0.5) * spacing
        side = random.randint(SIDES[0], SIDES[1] + 1)
        corner = random.randint(MARGIN, cells - MARGIN - side + 1, size=2)
        solid = np.zeros((cells, cells), dtype=bool)
        solid[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = True
        distance = np.zeros_like(solid, dtype=float)
        radius = random.uniform(0.4, 0.7)
        while not NEAREST < distance[solid].min() - radius < FARTHEST:
            x, y = random.uniform(-1.8, 1.8, size=2)
            distance = np.hypot(centres[:, None] - x, centres - y)
        inside = distance <= radius
        height = np.where(inside, self.config.inner_height, OUTER_HEIGHT)
        rest = np.zeros_like(height)
        ends = (corner[0], corner[0] + side, corner[1], corner[1] + side)
        return Sample(
            state=torch.from_numpy(np.stack([height, rest, rest])),
            parameters={"gravity": 1.0, **dict(zip(ENDS, map(float, ends), strict=True))},
            static=torch.from_numpy(solid[None].astype(float)),
        )

    def step(
        self, states: Float[Tensor, "b c x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b c x y"]:
        """Advance by the mean of both orders of sweeps."""
        x_first = self._sweep(self._sweep(states, 0, dt, batch), 1, dt, batch)
        y_first = self._sweep(self._sweep(states, 1, dt, batch), 0, dt, batch)
        return (x_first + y_first) / 2

    def densities(
        self, states: Float[Tensor, "b c x y"], batch: Batch
    ) -> Mapping[str, Float[Tensor, "b x y"]]:
        """Nothing: what the pier holds changes, and waves leave through the edges."""
        return {}

    def _sweep(
        self, states: Float[Tensor, "b c x y"], axis: int, dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b c x y"]:
        """Advance along one axis, with the pier's sides as mirrors."""
        lined = self._mirrored(states, axis, batch).movedim(2 + axis, 2).transpose(0, 1)
        padded = nn.functional.pad(lined, (0, 0, GHOSTS, GHOSTS), mode="replicate")
        flat = padded.flatten(2)
        work = flat.new_empty(BUFFERS, *flat.shape[1:])
        ratio = dt / self.spec.grid.spacing[0]
        ratio = ratio.view(-1, 1) if isinstance(ratio, Tensor) else ratio
        gravity = batch.parameters["gravity"].view(-1, 1)
        sweep = Sweep(axis=axis, stride=padded.shape[-1], ratio=ratio, gravity=gravity, work=work)
        new = sweep(flat, torch.empty_like(flat))
        return new.unflatten(2, lined.shape[2:]).transpose(0, 1).movedim(2, 2 + axis)

    def _mirrored(
        self, states: Float[Tensor, "b c x y"], axis: int, batch: Batch
    ) -> Float[Tensor, "b c x y"]:
        """Fill the pier with still water, and its outer cells with what lies before them."""
        states = states.clone()
        ends = torch.stack([batch.parameters[name].flatten() for name in ENDS], 1).long().tolist()
        for state, (x0, x1, y0, y1) in zip(states, ends, strict=True):
            state[:, x0:x1, y0:y1] = 0
            state[0, x0:x1, y0:y1] = OUTER_HEIGHT
            lined = state.movedim(1 + axis, 1)
            first, last = ((x0, x1), (y0, y1))[axis]
            across = slice(*((y0, y1), (x0, x1))[axis])
            for inner, outer in ((first, first - 1), (last - 1, last)):
                inward = 1 if outer < inner else -1
                for depth in range(GHOSTS):
                    mirror = lined[:, outer - inward * depth, across].clone()
                    mirror[1 + axis] *= -1
                    lined[:, inner + inward * depth, across] = mirror
        return states


def simulate(samples: int, grid: int, steps: int, seed: int, interval: float) -> dict[str, Tensor]:
    """Solve some problems.

    Args:
        samples: number of trajectories.
        grid: cells along each axis.
        steps: frames behind the first.
        seed: of the first trajectory; those of the others follow.
        interval: time between two frames.

    Returns:
        By name: height and both velocities, (sample, time, x, y), NaN in the pier.
    """
    pier = Pier(ShallowWaterConfig(grid=grid, frames=steps + 1, interval=interval))
    drawn = [pier.sample(np.random.RandomState(seed + index)) for index in range(samples)]
    batch = collate(drawn, torch.float64, "cpu")
    guard = Guard(pier, batch)
    frames = []
    for states in pier.frames(batch):
        guard.see(states, pier.observe(states, batch))
        frames.append(states)
    if faults := [fault for fault in guard.faults() if fault]:
        raise ArithmeticError(faults[0])
    assert batch.static is not None
    return _fields(torch.stack(frames, 1), batch.static.bool())


def _fields(
    states: Float[Tensor, "b t 3 x y"], solid: Bool[Tensor, "b 1 x y"]
) -> dict[str, Float[Tensor, "b t x y"]]:
    height = states[:, :, 0].masked_fill(solid, torch.nan)
    return {
        "height": height,
        "velocity_x": states[:, :, 1] / height,
        "velocity_y": states[:, :, 2] / height,
    }


def main() -> None:
    """Write one `.npz` file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--grid", type=int, default=32)
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--interval", type=float, default=0.1)
    parser.add_argument("--out", type=Path, default=Path("pier"), help="Folder of the file.")
    options = parser.parse_args()
    fields = simulate(options.samples, options.grid, options.steps, options.seed, options.interval)
    options.out.mkdir(parents=True, exist_ok=True)
    spacing = -2 * LEFT / options.grid
    centres = LEFT + (np.arange(options.grid) + 0.5) * spacing
    arrays: dict[str, Any] = {name: values.float().numpy() for name, values in fields.items()}
    times = options.interval * np.arange(options.steps + 1)
    np.savez(options.out / "pier.npz", x=centres, y=centres, time=times, **arrays)
    sys.stdout.write(f"{options.samples} trajectories in {options.out / 'pier.npz'}\n")


if __name__ == "__main__":
    main()
