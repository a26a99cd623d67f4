"""Deep operator network: a branch that sees the history, a trunk that sees the place.

arXiv 1910.03193 (Lu et al.): the answer at a place is the sum over products of what the branch
says of the history and the trunk of the place. Every field weighs the products by a vector of its
own, which contains the usual split of the products among the outputs (arXiv 2111.05512).

The branch sees a fixed number of sensors along each axis, in the middle of equal parts of it. What
a sensor reads is interpolated linearly between the points of the grid; so any grid will do.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.fields import Grid
from matey_core.models._base import MODELS, Part
from matey_core.models._folded import FoldedConfig, FoldedModel
from matey_core.models._sizes import Preset
from matey_core.nn.coordinates import Coordinates
from matey_core.nn.folded import FoldedStem

READ = 8
"""Channels that a sensor reads."""


class DeepOnetSizes(NamedTuple):
    """Number of products, layers of branch and trunk, and sensors an axis in 1D, 2D and 3D."""

    width: int
    depth: int
    sensors: tuple[int, int, int]


DEEPONET_PRESETS: dict[Preset, DeepOnetSizes] = {
    "nano": DeepOnetSizes(32, 2, (32, 8, 4)),
    "micro": DeepOnetSizes(64, 3, (32, 12, 6)),
    "mini": DeepOnetSizes(128, 3, (64, 16, 6)),
    "ti": DeepOnetSizes(256, 4, (64, 16, 8)),
    "s": DeepOnetSizes(512, 4, (128, 24, 8)),
    "b": DeepOnetSizes(1024, 5, (128, 32, 10)),
    "l": DeepOnetSizes(2048, 6, (256, 48, 12)),
}


@MODELS.register("deeponet")
class DeepOnetConfig(FoldedConfig):
    """Settings of a deep operator network."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth", "sensors"))
    variant: Literal["deeponet"] = "deeponet"
    preset: Preset = "ti"
    """Size: nano 32×2 with 8² sensors in 2D, micro 64×3 (12²), mini 128×3 (16²), ti 256×4 (16²),
    s 512×4 (24²), b 1024×5 (32²), l 2048×6 (48²) (products × layers of branch and trunk)."""
    width: PositiveInt | None = None
    """Number of products, and width of all layers, instead of the preset's."""
    depth: PositiveInt | None = None
    """Layers of the branch and of the trunk, instead of the preset's."""
    sensors: PositiveInt | None = None
    """Number of places along each axis at which the branch reads the history, instead of the
    preset's."""

    @property
    def sizes(self) -> DeepOnetSizes:
        """The preset's sizes with the overrides applied."""
        preset = DEEPONET_PRESETS[self.preset]
        sensors = preset.sensors if self.sensors is None else (self.sensors,) * 3
        return DeepOnetSizes(self.width or preset.width, self.depth or preset.depth, sensors)

    @classmethod
    def tiny(cls) -> "DeepOnetConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(width=24, depth=2, sensors=6)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "DeepOnetModel":
        """Make the model; see `ModelConfig.build`."""
        return DeepOnetModel(self, fields, num_axes)


class DeepOnetModel(FoldedModel):
    """Branch and trunk; the branch's first layer belongs to a number of axes."""

    parts: ClassVar[Mapping[str, Part]] = {
        **FoldedModel.parts,
        "trunk": "head",
        "places": "head",
    }
    config: DeepOnetConfig

    def __init__(
        self, config: DeepOnetConfig, fields: Iterable[str], num_axes: Iterable[int]
    ) -> None:
        width, depth, _ = config.sizes
        super().__init__(config, fields, num_axes, width=width, inner=width)
        self.stem = FoldedStem(width, READ)
        self.enter = nn.ModuleDict()
        self.branch = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.places = Coordinates(width)
        self.trunk = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = SumOfProducts()
        for axes in self.num_axes:
            self.add_axes(axes)

    def process(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b k"], grid: Grid
    ) -> Float[Tensor, "b *space p"]:
        """Return the products at every point of the grid."""
        read = at_sensors(x, grid, self.config.sizes.sensors[grid.num_axes - 1])
        said = self.enter[str(grid.num_axes)](read.flatten(1)) + condition
        for layer in self.branch:
            said = layer(nn.functional.gelu(said))
        place = self.places(grid)
        for layer in self.trunk:
            place = layer(nn.functional.gelu(place))
        return said.view(len(said), *(1,) * grid.num_axes, -1) * place

    def add_axes(self, axes: int) -> None:
        """Add the branch's first layer for grids of this number of axes."""
        sensors = self.config.sizes.sensors[axes - 1] ** axes
        layer = nn.Linear(sensors * READ, self.config.sizes.width)
        self.enter[str(axes)] = layer.to(self.table.enter.device)


class SumOfProducts(nn.Module):
    """A sum over products for every number that is read; it is linear, and has no weights."""

    profile_part: ClassVar[str] = "head"

    def forward(
        self,
        products: Float[Tensor, "b *space p"],
        leave: Float[Tensor, "k p"],
        bias: Float[Tensor, " k"],
    ) -> Float[Tensor, "b k *space"]:
        """Weigh the products by every row of `leave`, in float32."""
        return (products @ leave.T + bias).float().movedim(-1, 1)


def at_sensors(
    x: Float[Tensor, "b *space d"], grid: Grid, sensors: int
) -> Float[Tensor, "b *sensors d"]:
    """Read a field at the middle of equal parts of each axis, interpolated between points.

    Args:
        x: values at the points of the grid, which lie in the middle of its cells.
        grid: says which axes wrap around; on others the outermost points go on beyond the ends.
        sensors: number of parts of each axis.
    """
    for axis, (points, wraps) in enumerate(zip(grid.shape, grid.periodic, strict=True), start=1):
        place = (torch.arange(sensors, device=x.device) + 0.5) * (points / sensors) - 0.5
        below = place.floor()
        near = torch.stack([below, below + 1]).long()
        near = near % points if wraps else near.clamp(0, points - 1)
        first, second = (x.index_select(axis, index) for index in near)
        share = (place - below).to(x.dtype).view(-1, *(1,) * (x.ndim - axis - 1))
        x = first + share * (second - first)
    return x
