"""Fields made by formula, for grids that no store has."""

import math
from collections.abc import Sequence
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec, Grid

AXES = {1: ("x",), 2: ("y", "x"), 3: ("z", "y", "x")}


class SyntheticBatches:
    """Endless batches of a smooth wave with one sharp ring that drifts.

    The ring covers a small part of the domain, as fronts and vortices do, so that an
    adaptive tokenization has something to choose.
    """

    def __init__(
        self,
        fields: Sequence[str],
        grid: tuple[int, ...],
        *,
        history: int,
        batch_size: int,
        leads: Sequence[int] = (1,),
    ) -> None:
        """Lay out the fields.

        Args:
            fields: their names.
            grid: points per axis.
            history: frames before the targets.
            batch_size: samples of a batch.
            leads: steps from the last frame of the history to each target, rising.

        Raises:
            ConfigError: a grid that has not one, two or three axes.
        """
        num_axes = len(grid)
        if num_axes not in AXES:
            raise ConfigError(
                f"A grid of {'×'.join(map(str, grid))} points has {num_axes} axes; there are "
                "grids of 1, 2 and 3.",
                remedy="Give as many numbers of points, such as --grid 64,64.",
            )
        self.history = history
        self.batch_size = batch_size
        self.leads = torch.tensor(leads)
        self.spec = FieldSpec(
            fields=tuple(Field(name=name) for name in fields),
            grid=Grid(
                axes=AXES[num_axes],
                shape=grid,
                spacing=tuple(1 / points for points in grid),
                boundary=tuple("periodic" for _ in grid),
            ),
            time_step=0.01,
            dataset="synthetic",
        )
        self._numbers = count()

    def __iter__(self) -> "SyntheticBatches":
        return self

    def __next__(self) -> FieldBatch:
        first = next(self._numbers) * self.batch_size
        frames = torch.stack(
            [self._trajectory(first + number) for number in range(self.batch_size)]
        )
        return FieldBatch(
            spec=self.spec,
            history=frames[:, : self.history],
            targets=frames[:, self.history - 1 + self.leads],
            lead_steps=self.leads.repeat(self.batch_size, 1),
        )

    def _trajectory(self, number: int) -> Float[Tensor, "t c *space"]:
        """Frames of the history and up to the last target; `number` moves the ring's start."""
        times = range(self.history + int(self.leads[-1]))
        fields = range(len(self.spec.fields))
        return torch.stack(
            [torch.stack([self._state(number, time, field) for field in fields]) for time in times]
        )

    def _state(self, number: int, time: int, field: int) -> Float[Tensor, "*space"]:
        shape = self.spec.grid.shape
        points = torch.meshgrid(*(torch.arange(size) / size for size in shape), indexing="ij")
        centre = 0.25 + 0.5 * ((number * 0.618 + 0.01 * time) % 1)
        radius = torch.stack([axis - centre for axis in points]).square().sum(0).sqrt()
        wave = torch.sin(2 * math.pi * (points[-1] + 0.1 * field))
        return wave + 4 * torch.exp(-(((radius - 0.08) / 0.02) ** 2))
