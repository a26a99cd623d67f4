"""From a history to channels at every point of the grid, and from channels to fields.

For models without tokens: all frames of a history are folded into channels, as is usual
for Fourier operators and U-Nets, and fields keep their names by the vectors of a `FieldTable`.
Both ends compute in float32 also inside autocast: they decide on the digits of a forecast, and on
processors such small maps are faster so.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.nn.grid_encoding import GridEncoding


class FoldedStem(nn.Module):
    """A linear map of all frames and fields at a point, and where it is; channels come last."""

    profile_part: ClassVar[str] = "stem"

    def __init__(self, inner: int, width: int) -> None:
        """Make the map.

        Args:
            inner: length of the fields' vectors.
            width: channels of the answer.
        """
        super().__init__()
        self.places = GridEncoding(inner)
        self.out = nn.Linear(inner, width)

    def forward(
        self,
        channels: Float[Tensor, "b t k *space"],
        table: Float[Tensor, "all inner"],
        grid: Grid,
    ) -> Float[Tensor, "b *space d"]:
        """Mix frames and fields at every point, in float32.

        Args:
            channels: (b, t, k, *space) what is shown of each frame.
            table: (all, inner) vectors of what may be shown of the last frame, then of the one
                before, and so on; as many frames as the model can read.
            grid: of the fields.

        Raises:
            ConfigError: the history is longer than the table.
        """
        frames, shown = channels.shape[1:3]
        if frames * shown > len(table):
            raise ConfigError(
                f"The history has {frames} frames; the model reads {len(table) // shown} at most.",
                remedy=f"Set history to {len(table) // shown}, or train a model with "
                f"model.frames={frames}.",
            )
        folded = channels.flatten(1, 2).movedim(1, -1)
        vectors = table[: frames * shown].unflatten(0, (frames, shown)).flip(0).flatten(0, 1)
        with torch.autocast(folded.device.type, enabled=False):
            # One map of points, not two: the vectors are mapped instead.
            mapped = (self.out(vectors) - self.out.bias) / (frames * shown) ** 0.5
            return folded @ mapped + self.out(self.places(grid))


class FoldedHead(nn.Module):
    """Two pointwise layers whose second one is the fields' own vectors."""

    profile_part: ClassVar[str] = "head"

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, inner)

    def forward(
        self,
        values: Float[Tensor, "b *space d"],
        leave: Float[Tensor, "k inner"],
        bias: Float[Tensor, " k"],
    ) -> Float[Tensor, "b k *space"]:
        """Read every field off the channels, in float32.

        Args:
            values: (b, *space, d).
            leave: (k, inner) one vector a number that is read.
            bias: (k,) their offsets.
        """
        with torch.autocast(values.device.type, enabled=False):
            inner = nn.functional.gelu(self.enter(values.float()))
            return nn.functional.linear(inner, leave, bias).movedim(-1, 1)
