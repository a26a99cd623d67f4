"""Scalable operator transformer: a U of Swin blocks, whose norms know the lead time.

The model of Poseidon (arXiv 2405.19101). Patches go down through levels of half the resolution and
twice the width, and up again beside what was seen on the way. The lead time enters by the norms
alone; a number made of its embedding stands for the paper's time, since leads differ in frames and
in physical time. On a periodic axis that windows cover, shifted windows hold both ends.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models._base import MODELS, Part
from matey_core.models._folded import FoldedConfig, FoldedModel
from matey_core.models._patched import check_patch
from matey_core.models._sizes import Preset, Sizes
from matey_core.nn.padding import crop, pad, surround
from matey_core.nn.patches import PatchHead, PatchStem
from matey_core.nn.recompute import run_block
from matey_core.nn.resolution import CONVOLUTIONS
from matey_core.nn.swin import Merging, SkipBlock, SwinBlock, Time, TimedNorm, Unmerging
from matey_core.nn.windows import WindowCut

SCOT_PRESETS: dict[Preset, Sizes] = {
    "nano": Sizes(8, 1, 1),
    "micro": Sizes(12, 2, 1),
    "mini": Sizes(24, 2, 2),
    "ti": Sizes(48, 4, 3),
    "s": Sizes(48, 8, 3),
    "b": Sizes(96, 8, 3),
    "l": Sizes(192, 8, 3),
}
WINDOWS = (16, 16, 6)
"""Tokens of a window along each axis, at most, in 1D, 2D and 3D."""
SKIPS = 2
"""Blocks on each way across the U."""
SEAMS = 5
"""Points a side of the convolution that hides the seams of patches."""


@MODELS.register("scot")
class ScotConfig(FoldedConfig):
    """Settings of a scalable operator transformer."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth", "heads"))
    variant: Literal["scot"] = "scot"
    preset: Preset = "ti"
    """Size: nano 8×1, micro 12×2, mini 24×2, and Poseidon's ti 48×4, s 48×8, b 96×8, l 192×8
    (width of the finest level × blocks a level, down and up)."""
    width: PositiveInt | None = None
    """Width of the finest level, instead of the preset's; each coarser one is twice as wide."""
    depth: PositiveInt | None = None
    """Blocks of each level, down and up, instead of the preset's."""
    heads: PositiveInt | None = None
    """Attention heads of the finest level, instead of the preset's."""
    levels: PositiveInt = 4
    """Number of resolutions, each half the one above."""
    patch: PositiveInt = 4
    """Points of a patch along each axis. A grid that patches do not divide is continued."""
    window: PositiveInt | None = None
    """Tokens of a window along each axis, at most; by default 16 in 1D and 2D, 6 in 3D."""

    @property
    def sizes(self) -> Sizes:
        """The preset's sizes with the overrides applied."""
        return SCOT_PRESETS[self.preset].overridden(self)

    @classmethod
    def tiny(cls) -> "ScotConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(width=16, depth=2, heads=2, levels=2, patch=2, window=4)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "ScotModel":
        """Make the model; see `ModelConfig.build`.

        Raises:
            ConfigError: the heads do not share the width.
        """
        width, _, heads = self.sizes
        if width % heads:
            raise ConfigError(
                f"model.width = {width} is no multiple of model.heads = {heads}.",
                remedy=f"Set model.width={-(-width // heads) * heads}.",
            )
        return ScotModel(self, fields, num_axes)


class ScotModel(FoldedModel):
    """Levels of windows; what changes resolution and what convolves belongs to a number of axes."""

    can_recompute: ClassVar[bool] = True
    parts: ClassVar[Mapping[str, Part]] = {
        **FoldedModel.parts,
        "embed": "stem",
        "embed_norm": "stem",
        "recover": "head",
        "seams": "head",
    }
    config: ScotConfig

    def __init__(self, config: ScotConfig, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        width, depth, heads = config.sizes
        points = max(4, width // 4)
        super().__init__(config, fields, num_axes, width=points, inner=2 * points)
        widths = [width * 2**level for level in range(config.levels)]
        self.clock = nn.Linear(points, 1)
        self.embed = PatchStem((points, width), (config.patch,))
        self.embed_norm = TimedNorm(width)
        self.down, self.up = (
            nn.ModuleList(
                nn.ModuleList(SwinBlock(each, heads * 2**level) for _ in range(depth))
                for level, each in enumerate(widths)
            )
            for _ in range(2)
        )
        self.merging = nn.ModuleList(Merging(fine) for fine in widths[:-1])
        self.unmerging = nn.ModuleList(Unmerging(fine) for fine in widths[:-1])
        self.across = nn.ModuleList(
            nn.ModuleList(SkipBlock(fine) for _ in range(SKIPS)) for fine in widths[:-1]
        )
        self.recover = PatchHead((width, points), (config.patch,))
        self.seams = nn.ParameterDict()
        for axes in self.num_axes:
            self.add_axes(axes)

    def process(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b d"], grid: Grid
    ) -> Float[Tensor, "b *space d"]:
        """Go down through all levels, and up again beside what was seen on the way."""
        check_patch(self.config.patch, grid)
        patch, axes = (self.config.patch,) * grid.num_axes, grid.num_axes
        time = self.clock(condition).float().view(-1, *(1,) * axes, 1)
        padded = pad(x.movedim(-1, 1).unsqueeze(1), patch, periodic=grid.periodic)
        x = self.embed_norm(self.embed(padded.squeeze(1).movedim(1, -1)), time)
        whole = [
            wraps and n % patch[0] == 0 for wraps, n in zip(grid.periodic, grid.shape, strict=True)
        ]
        seen: list[tuple[Tensor, tuple[bool, ...]]] = []
        for level, blocks in enumerate(self.down):
            x = self._run(blocks, x, time, tuple(whole))
            seen.append((x, tuple(whole)))
            if level < len(self.merging):
                x = self.merging[level](x, time, tuple(whole))
                even = [n % 2 == 0 for n in seen[-1][0].shape[1:-1]]
                whole = [a and b for a, b in zip(whole, even, strict=True)]
        x = self._run(self.up[-1], x, time, tuple(whole))
        for level in reversed(range(len(self.merging))):
            fine, periodic = seen[level]
            skips = self.across[level]
            assert isinstance(skips, nn.ModuleList)
            for block in skips:
                fine = run_block(block, fine, time, periodic, recompute=self.recompute)
            x = fine + self.unmerging[level](x, time, tuple(fine.shape[1:-1]))
            x = self._run(self.up[level], x, time, periodic)
        points = crop(self.recover(x).movedim(-1, 1).unsqueeze(1), grid.shape)
        around = surround(points.squeeze(1), SEAMS // 2, periodic=grid.periodic)
        return CONVOLUTIONS[axes](around, self.seams[str(axes)]).movedim(1, -1).float()

    def _run(self, blocks: nn.Module, x: Tensor, time: Time, periodic: tuple[bool, ...]) -> Tensor:
        """Apply the blocks of a level; windows are shifted in every second one."""
        assert isinstance(blocks, nn.ModuleList)
        tokens = tuple(x.shape[1:-1])
        largest = self.config.window or WINDOWS[len(tokens) - 1]
        cuts = [
            WindowCut.of(tokens, largest, shifted=shifted, periodic=periodic, device=x.device)
            for shifted in (False, True)
        ]
        for number, block in enumerate(blocks):
            x = run_block(block, x, time, cuts[number % 2], recompute=self.recompute)
        return x

    def add_axes(self, axes: int) -> None:
        """Give stem, head, convolutions and changes of resolution weights for such grids."""
        for part in self.modules():
            if isinstance(part, (PatchStem, PatchHead, Merging, Unmerging, SkipBlock)):
                part.add_axes(axes)
                part.to(self.table.enter.device)
        points = self.clock.in_features
        kernel = torch.randn(points, points, *(SEAMS,) * axes) / (points * SEAMS**axes) ** 0.5
        self.seams[str(axes)] = nn.Parameter(kernel.to(self.table.enter.device))
