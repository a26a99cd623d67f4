"""Windows of tokens: how a grid is cut into them, and attention inside each.

arXiv 2111.09883 (Swin V2): cosine attention with biases that a small network makes of the
logarithms of relative positions. Grids have one, two or three axes.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.nn.grid_encoding import MAX_AXES

INNER = 512
"""Width of the network that makes biases."""
SHARPEST = math.log(100.0)
"""Largest logarithm of a head's scale."""
SPAN = 8.0
"""Relative positions run from −SPAN to SPAN before their logarithm is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCut:
    """How a grid of tokens is cut into windows of equal size."""

    tokens: tuple[int, ...]
    window: tuple[int, ...]
    """Tokens of a window along each axis; windows are as equal as can be, and no larger than asked
    for. Where they do not divide the axis, it is continued by tokens that nobody sees."""
    shift: tuple[int, ...]
    """How far windows begin behind the first token."""
    apart: Float[Tensor, "w 1 n n"] | None
    """−∞ where two tokens of a window must not meet; None where all may."""

    @classmethod
    def of(
        cls,
        tokens: tuple[int, ...],
        largest: int,
        *,
        shifted: bool,
        periodic: tuple[bool, ...],
        device: torch.device,
    ) -> "WindowCut":
        """Plan the windows.

        Args:
            tokens: of the grid, along each axis.
            largest: tokens of a window along each axis, at most.
            shifted: whether windows begin half a window behind the first token, along axes that
                have more than one.
            periodic: axes along which a window may hold the first and the last token.
            device: of what is computed.
        """
        numbers = [-(-n // largest) for n in tokens]
        window = tuple(-(-n // number) for n, number in zip(tokens, numbers, strict=True))
        shift = tuple(
            side // 2 if shifted and number > 1 else 0
            for side, number in zip(window, numbers, strict=True)
        )
        plan = cls(tokens=tokens, window=window, shift=shift, apart=None)
        goes_around = all(wraps or not by for wraps, by in zip(periodic, shift, strict=True))
        if plan.padded == tokens and goes_around:
            return plan
        kinds = torch.zeros(*plan.padded, dtype=torch.long, device=device)
        for axis, (n, size, by, wraps) in enumerate(
            zip(tokens, plan.padded, shift, periodic, strict=True)
        ):
            place = (torch.arange(size, device=device) + by) % size
            kind = (place >= n).long()
            if not (wraps and n == size):
                kind = kind + 2 * (place < by)  # came around
            kinds = 4 * kinds + kind.reshape(size, *(1,) * (len(tokens) - axis - 1))
        inside = plan.gather(kinds.unsqueeze(0).unsqueeze(-1)).squeeze(-1)
        differs = inside.unsqueeze(1) != inside.unsqueeze(2)
        apart = torch.zeros(differs.shape, device=device).masked_fill(differs, -math.inf)
        return cls(tokens=tokens, window=window, shift=shift, apart=apart.unsqueeze(1))

    @property
    def padded(self) -> tuple[int, ...]:
        """Tokens along each axis, with those that continue it."""
        return tuple(-(-n // side) * side for n, side in zip(self.tokens, self.window, strict=True))

    def cut(self, x: Float[Tensor, "b *tokens d"]) -> Float[Tensor, "bw n d"]:
        """Take the windows of all samples, one sample after another."""
        ends = [0, 0]
        for n, size in reversed(list(zip(self.tokens, self.padded, strict=True))):
            ends += [0, size - n]
        x = nn.functional.pad(x, ends) if any(ends) else x
        if any(self.shift):
            x = x.roll([-by for by in self.shift], self._axes)
        return self.gather(x)

    def gather(self, x: Tensor) -> Tensor:
        """Bring the tokens of each window together: (b, *padded, d) → (b · windows, n, d)."""
        parts = [
            part
            for size, side in zip(self.padded, self.window, strict=True)
            for part in (size // side, side)
        ]
        axes = len(self.tokens)
        x = x.reshape(len(x), *parts, x.shape[-1])
        x = x.permute(0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1)
        return x.reshape(-1, math.prod(self.window), x.shape[-1])

    def join(self, x: Float[Tensor, "bw n d"]) -> Float[Tensor, "b *tokens d"]:
        """Undo `cut`."""
        numbers = [size // side for size, side in zip(self.padded, self.window, strict=True)]
        axes = len(self.tokens)
        x = x.reshape(-1, *numbers, *self.window, x.shape[-1])
        order = [place for axis in range(1, axes + 1) for place in (axis, axes + axis)]
        x = x.permute(0, *order, 2 * axes + 1).reshape(len(x), *self.padded, x.shape[-1])
        if any(self.shift):
            x = x.roll(self.shift, self._axes)
        for axis, n in zip(self._axes, self.tokens, strict=True):
            x = x.narrow(axis, 0, n)
        return x

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(1, 1 + len(self.tokens)))


class WindowAttention(nn.Module):
    """softmax(τ cos(q, k) + bias) v inside each window; a head has a scale τ of its own."""

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.log_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.places = nn.Sequential(
            nn.Linear(MAX_AXES, INNER), nn.ReLU(), nn.Linear(INNER, heads, bias=False)
        )
        self.out = nn.Linear(width, width)

    def forward(
        self, x: Float[Tensor, "b *tokens d"], windows: WindowCut
    ) -> Float[Tensor, "b *tokens d"]:
        """Let the tokens of each window exchange what they hold."""
        rows = windows.cut(x)
        q, k, v = (
            part(rows).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        scale = self.log_scale.clamp(max=SHARPEST).exp()
        q = nn.functional.normalize(q.float(), dim=-1) * scale
        k = nn.functional.normalize(k.float(), dim=-1)
        bias = self.bias(windows.window).unsqueeze(0)
        if windows.apart is not None:
            bias = bias + windows.apart
            bias = bias.repeat(len(rows) // len(bias), 1, 1, 1)
        # Fused kernels differ with and without gradients of the bias, in the last digits.
        scores = q.to(v.dtype) @ k.to(v.dtype).transpose(-1, -2) + bias
        mixed = scores.softmax(-1).to(v.dtype) @ v
        return windows.join(self.out(mixed.transpose(1, 2).flatten(2)))

    def bias(self, window: tuple[int, ...]) -> Float[Tensor, "h n n"]:
        """Bias of every pair of tokens of a window, from 0 to 16."""
        table, index = _distances(window, self.out.weight.device)
        of_distance: Tensor = 16 * self.places(table).float().sigmoid()
        return of_distance[index].movedim(-1, 0)


def _distances(
    window: tuple[int, ...], device: torch.device
) -> tuple[Float[Tensor, "m a"], Int[Tensor, "n n"]]:
    """Logarithms of all distances in a window, in its own unit, and which one a pair has.

    Axes that a grid does not have are at distance 0.
    """
    steps = [
        torch.arange(1 - side, side, device=device) * (SPAN / max(side - 1, 1)) for side in window
    ]
    scaled = torch.cartesian_prod(*steps).reshape(-1, len(window))
    table = scaled.sign() * (1 + scaled.abs()).log2() / math.log2(SPAN)
    table = nn.functional.pad(table, (0, MAX_AXES - len(window)))
    place = torch.cartesian_prod(*(torch.arange(side, device=device) for side in window))
    place = place.reshape(-1, len(window))
    index = torch.zeros(len(place), len(place), dtype=torch.long, device=device)
    for axis, side in enumerate(window):
        apart = place[:, axis].unsqueeze(1) - place[:, axis] + side - 1
        index = index * (2 * side - 1) + apart
    return table, index
