"""A sum over frames, and one small network for all waves of their tokens (arXiv 2403.03542)."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from matey_core.errors import ConfigError

MARGIN = 4
"""Bounded axes are continued by 1/MARGIN of their tokens."""
FIRST_GAIN = 0.2
"""What the mixer multiplies the size of its input by, about, before it has learned anything."""


class FrameSum(nn.Module):
    """A sum over frames: a matrix for each, after a wave in time for each channel."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.matrices = nn.Parameter(torch.randn(frames, width, width) / width**0.5)
        self.rates = nn.Parameter(torch.logspace(-10, 10, width, base=2.0))

    def forward(self, tokens: Float[Tensor, "b t *tokens d"]) -> Float[Tensor, "b *tokens d"]:
        """Sum the frames up, counted from the last one backwards.

        Raises:
            ConfigError: there are more frames than matrices.
        """
        found, most = tokens.shape[1], len(self.matrices)
        if found > most:
            raise ConfigError(
                f"The history has {found} frames; the model reads {most} at most.",
                remedy=f"Set history to {most}, or train a model with model.frames={found}.",
            )
        ago = torch.arange(found, device=tokens.device) / most
        waves = (ago.unsqueeze(1) * self.rates).cos().unsqueeze(1)  # (t, 1, d)
        rows = tokens.flip(1).movedim(1, 0)
        rows, shape = rows.flatten(1, -2), rows.shape[1:]
        mixed = torch.bmm(rows * waves, self.matrices[:found])
        return mixed.float().mean(0).view(shape)


class WaveMixer(nn.Module):
    """W₂ σ(W₁ z + b₁) + b₂ for the amplitudes z of every wave, block by block of channels.

    Weights are real: the last but one axis holds real and imaginary part. σ acts on either.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.blocks, side = blocks, width // blocks
        spread = (FIRST_GAIN / side) ** 0.5
        self.enter = nn.Parameter(spread * torch.randn(blocks, side, 2, side))
        self.enter_bias = nn.Parameter(0.02 * torch.randn(blocks, 2, side))
        self.leave = nn.Parameter(spread * torch.randn(blocks, side, 2, side))
        self.leave_bias = nn.Parameter(0.02 * torch.randn(blocks, 2, side))

    def forward(
        self, x: Float[Tensor, "b *tokens d"], periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b *tokens d"]:
        """Mix all tokens, in float32 also inside autocast."""
        shape = x.shape[1:-1]
        period = [
            points if wraps else points + max(1, points // MARGIN)
            for points, wraps in zip(shape, periodic, strict=True)
        ]
        space = tuple(range(1, x.ndim - 1))
        with torch.autocast(x.device.type, enabled=False):
            waves = torch.fft.rfftn(x.float(), s=period, dim=space, norm="ortho")
            rows = waves.unflatten(-1, (self.blocks, -1))
            inner = _product(rows, self.enter, self.enter_bias)
            inner = torch.view_as_complex(nn.functional.gelu(torch.view_as_real(inner)))
            mixed = _product(inner, self.leave, self.leave_bias).flatten(-2)
            x = torch.fft.irfftn(mixed, s=period, dim=space, norm="ortho")
        for axis, points in zip(space, shape, strict=True):
            x = x.narrow(axis, 0, points)
        return x


def _product(
    rows: Complex[Tensor, "*waves k i"],
    weight: Float[Tensor, "k i 2 o"],
    bias: Float[Tensor, "k 2 o"],
) -> Complex[Tensor, "*waves k o"]:
    """Complex matrix product of every block."""
    mixed = torch.einsum("...ki,kio->...ko", rows, torch.complex(*weight.unbind(-2)))
    return mixed + torch.complex(*bias.unbind(-2))
