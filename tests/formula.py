"""Batches and weights made by formula, so that values do not depend on generators."""

import torch
from torch import Tensor, nn

from matey_core.batches import FieldBatch
from matey_core.fields import Boundary, Field, FieldSpec, Grid
from matey_core.models import Model
from matey_core.models.matey import MateyConfig
from matey_core.tokenizers import TokenizerConfig

AXES = ("x", "y", "z")
NAMES = ("density", "velocity_x", "pressure")


def wave(*shape: int, pitch: float = 0.37) -> Tensor:
    """Values in [−1, 1] that depend on nothing but their position."""
    count = torch.Size(shape).numel()
    return torch.sin(pitch * torch.arange(count, dtype=torch.float64)).reshape(shape).float()


@torch.no_grad()
def fill_by_formula(model: nn.Module) -> nn.Module:
    """Give every weight a value of order 1/√fan-in that no initializer decides."""
    for index, (_, weight) in enumerate(sorted(model.named_parameters())):
        spread = 1.5 / max(weight.shape[-1], 1) ** 0.5
        weight.copy_(spread * wave(*weight.shape, pitch=0.37 + 0.013 * index))
    return model.eval()


def spec_of(
    shape: tuple[int, ...], *, fields: int = 2, boundary: Boundary = "periodic"
) -> FieldSpec:
    """Name fields and axes of a grid."""
    return FieldSpec(
        fields=tuple(Field(name=name) for name in NAMES[:fields]),
        grid=Grid(
            axes=AXES[: len(shape)],
            shape=shape,
            spacing=(1.0,) * len(shape),
            boundary=(boundary,) * len(shape),
        ),
        time_step=0.05,
    )


def batch_of(
    spec: FieldSpec, *, samples: int = 3, frames: int = 3, leads: int = 1, seed: int = 0
) -> FieldBatch:
    """Noise whose amplitude varies in space, so that cells differ in detail."""
    generator = torch.Generator().manual_seed(seed)
    shape = (samples, frames, len(spec.fields), *spec.grid.shape)
    noise = torch.randn(shape, generator=generator)
    envelope = torch.ones(())
    for points in spec.grid.shape:
        bump = torch.exp(-((torch.linspace(-1, 1.5, points) / 0.5) ** 2)) + 0.05
        envelope = envelope.unsqueeze(-1) * bump
    steps = 1 + torch.arange(samples * leads).reshape(samples, leads) % 3
    return FieldBatch(
        spec=spec,
        history=noise * envelope + 0.3,
        lead_steps=steps,
        targets=torch.randn(samples, leads, *shape[2:], generator=generator),
    )


def tiny_model(*, scheme: str = "full", fields: int = 2, **tokenizer: object) -> Model:
    """A small matey model in 1D, 2D and 3D, filled by formula."""
    settings: dict[str, object] = {"name": "adap_mix", "patch": (8, 4), "gamma": 0.3}
    config = MateyConfig(
        width=32,
        depth=2,
        heads=2,
        scheme=scheme,
        tokenizer=TokenizerConfig(**{**settings, **tokenizer}),  # type: ignore[arg-type]
    )
    model = config.build(fields=NAMES[:fields], num_axes=(1, 2, 3))
    fill_by_formula(model)
    return model
