"""How far ahead to look, as a vector: frames and physical time."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.tokens import remember

WAVES = 8


class LeadTime(nn.Module):
    """Embed a lead of `k` frames of `dt` each by log k and log(k·dt).

    Logarithms keep leads of 1 and of 100 frames, and time units of nanoseconds and
    of days, within reach of one another.
    """

    def __init__(self, width: int, within: tuple[float, float] | None = None) -> None:
        """Make the network.

        Args:
            width: length of the vector.
            within: smallest and largest time step that it tells apart; others are taken as the
                nearest of these.
        """
        super().__init__()
        self.within = within
        self.mlp = nn.Sequential(
            nn.Linear(2 * (2 * WAVES + 1), width), nn.GELU(), nn.Linear(width, width)
        )

    def forward(self, lead_steps: Int[Tensor, " b"], time_step: float) -> Float[Tensor, "b d"]:
        """Embed the lead time of every sample.

        Args:
            lead_steps: (b,) stored frames ahead, at least 1.
            time_step: physical time between two frames.
        """
        frames = lead_steps.float().log()
        if self.within is not None:
            time_step = min(max(time_step, self.within[0]), self.within[1])
        time = frames + math.log(time_step)
        return self.mlp(torch.cat([_features(frames), _features(time)], dim=1))


def _features(x: Float[Tensor, " b"]) -> Float[Tensor, "b f"]:
    angle = x.unsqueeze(1) * _frequencies(WAVES, x.device)
    return torch.cat([angle.sin(), angle.cos(), x.unsqueeze(1) / 8], dim=1)


@remember
def _frequencies(waves: int, device: torch.device) -> Float[Tensor, " _w"]:
    octaves = 0.25 * 2.0 ** torch.arange(waves // 2, device=device, dtype=torch.float32)
    return torch.cat([octaves, 0.75 * octaves])
