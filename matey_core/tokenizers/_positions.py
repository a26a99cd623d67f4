"""Where and how large a cell is, and what bounds the domain, as a vector."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.fields import BOUNDARIES, Grid
from matey_core.nn.fourier import fourier_features
from matey_core.tokens import Places, remember

MAX_AXES = 3
WAVES = 8


class BoundaryPositions(nn.Module):
    """Position, size and frame of tokens, aware of boundaries.

    Along a periodic axis a place is known by sin 2πkx and cos 2πkx, which agree at
    both ends; along a bounded one by cos πkx and sin πkx, which tell a wall from the
    interior and one wall from the other. Each axis also carries the kind of its
    boundary and the logarithm of the cell's size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        per_axis = 4 * WAVES + len(BOUNDARIES) + 1
        self.space = nn.Sequential(
            nn.Linear(MAX_AXES * per_axis, width), nn.GELU(), nn.Linear(width, width)
        )
        self.time = nn.Linear(2 * WAVES + 1, width)

    def forward(self, places: Places, grid: Grid, frames: int) -> Float[Tensor, "n t d"]:
        """Encode every cell and frame.

        Args:
            places: centres and sizes of the cells in the unit domain.
            grid: names the boundary of each axis.
            frames: length of the history; frames are counted back from the last.
        """
        features = [
            self._axis(places.centre[:, axis], places.size[:, axis], boundary)
            for axis, boundary in enumerate(grid.boundary)
        ]
        missing = MAX_AXES - len(features)
        features += [torch.zeros_like(features[0])] * missing
        lag = torch.arange(frames - 1, -1, -1, device=places.centre.device, dtype=torch.float32)
        waves = _waves(lag / 16, math.pi)
        time = self.time(torch.cat([waves, lag.unsqueeze(1) / 8], dim=1))
        return self.space(torch.cat(features, dim=1)).unsqueeze(1) + time

    def _axis(self, centre: Tensor, size: Tensor, boundary: str) -> Float[Tensor, "n f"]:
        periodic = boundary == "periodic"
        waves = _waves(centre, 2 * math.pi if periodic else math.pi)
        nothing = torch.zeros_like(waves)
        kind = _kind(boundary, centre.device)
        parts = [waves, nothing] if periodic else [nothing, waves]
        return torch.cat(
            [*parts, kind.expand(len(centre), -1), size.log2().unsqueeze(1) / 8], dim=1
        )


def _waves(x: Float[Tensor, " n"], base: float) -> Float[Tensor, "n f"]:
    """Sin and cos of the first harmonics of `base`."""
    angle = x.unsqueeze(1) * _harmonics(base, x.device)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


@remember
def _harmonics(base: float, device: torch.device) -> Float[Tensor, " _w"]:
    return base * torch.arange(1, WAVES + 1, device=device, dtype=torch.float32)


@remember
def _kind(boundary: str, device: torch.device) -> Float[Tensor, " _k"]:
    """1 at the place of a boundary, 0 at those of the others."""
    kind = torch.zeros(len(BOUNDARIES), device=device)
    kind[BOUNDARIES.index(boundary)] = 1.0
    return kind


class FourierPositions(nn.Module):
    """The paper's encoding: Fourier features of frame, centre and area, each through a linear.

    Wavelengths are spaced evenly in their logarithm; areas below 1e-6 of the domain
    share the shortest, where the published range would encode rounding errors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.time = nn.Linear(width, width)
        self.place = nn.Linear(MAX_AXES * width, width)
        self.area = nn.Linear(width, width)

    def forward(self, places: Places, grid: Grid, frames: int) -> Float[Tensor, "n t d"]:
        """Encode every cell and frame; see `BoundaryPositions.forward`."""
        frame = torch.arange(frames, device=places.centre.device, dtype=torch.float32)
        axes = [
            fourier_features(places.centre[:, axis], self.width, shortest=1e-4, longest=1.0)
            for axis in range(grid.num_axes)
        ]
        axes += [torch.zeros_like(axes[0])] * (MAX_AXES - len(axes))
        area = fourier_features(places.size.prod(1), self.width, shortest=1e-6, longest=1.0)
        space = self.place(torch.cat(axes, dim=1)) + self.area(area)
        time = fourier_features(frame, self.width, shortest=1.0, longest=100.0)
        return space.unsqueeze(1) + self.time(time)


POSITIONS: dict[str, type[BoundaryPositions] | type[FourierPositions] | None] = {
    "boundary": BoundaryPositions,
    "fourier": FourierPositions,
    "none": None,
}
