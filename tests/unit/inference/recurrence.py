"""Models whose predictions are known in closed form."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.models import Model, ModelConfig


class Recurrence(Model):
    """uₙ₊₁ = a·uₙ + b·uₙ₋₁, or NaN from the call `fails_at` on."""

    def __init__(self, a: float, b: float, *, fails_at: int | None = None) -> None:
        super().__init__(ModelConfig.standard(), ("u", "v"), (1, 2, 3))
        self.a, self.b, self.fails_at = a, b, fails_at
        self.calls = 0

    def forward(self, batch: FieldBatch) -> Prediction:
        assert not self.training
        assert not torch.is_grad_enabled()
        steps = int(batch.lead_steps.max())
        frames = list(batch.history.unbind(1))
        for _ in range(steps):
            frames.append(self.a * frames[-1] + self.b * frames[-2])
        values = torch.stack(frames[-steps:], dim=1)
        if self.fails_at is not None and self.calls >= self.fails_at:
            values = values * torch.nan
        self.calls += 1
        return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)

    def count_tokens(self, batch: FieldBatch) -> Tensor:
        return torch.ones(batch.size, dtype=torch.int64)

    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        raise NotImplementedError

    def part_of(self, parameter: str) -> Literal["stem", "head", "fields", "attention"]:
        return "attention"


def spec(*shape: int) -> FieldSpec:
    return FieldSpec(
        fields=(Field(name="u", unit="m"), Field(name="v")),
        grid=Grid(
            axes=("x", "y", "z")[: len(shape)],
            shape=shape,
            spacing=(1.0,) * len(shape),
            boundary=("periodic",) * len(shape),
        ),
        time_step=0.5,
    )


def start(*shape: int, num_samples: int = 3, frames: int = 3) -> FieldBatch:
    generator = torch.Generator().manual_seed(1)
    return FieldBatch(
        spec=spec(*shape),
        history=torch.randn(num_samples, frames, 2, *shape, generator=generator),
        lead_steps=torch.ones(num_samples, 1, dtype=torch.int64),
    )
