"""Packed tokens of cells of several sizes, cells split into copies of themselves, and blocks."""

import torch

from matey_core.attention import SCHEMES, Block, BlockSettings
from matey_core.kernels import KERNELS
from matey_core.tokens import Places, Segments, TokenBatch

WIDTH, HEADS, TIMES = 16, 2, 2


def some_tokens(lengths: tuple[int, ...], grid: tuple[int, ...] | None = None) -> TokenBatch:
    """Random values; cells of three sizes or, on a grid, of one. All in float64."""
    generator = torch.Generator().manual_seed(sum(lengths))
    segments = Segments(lengths)
    n = segments.total
    level = torch.randint(0, 1 if grid else 3, (n,), generator=generator)
    places = Places(
        centre=torch.rand(n, 2, generator=generator, dtype=torch.float64),
        size=0.5 ** (1 + level.double()).unsqueeze(1).expand(-1, 2),
        level=level,
        sample=segments.index(torch.device("cpu")),
    )
    values = torch.randn(n, TIMES, WIDTH, generator=generator, dtype=torch.float64)
    return TokenBatch(
        values=values, places=places, segments=segments, samples=len(lengths), grid=grid
    )


def split(tokens: TokenBatch, pieces: tuple[int, ...]) -> TokenBatch:
    """Replace each cell by some copies, side by side, that share its area among them."""
    places, owner = tokens.places, owners(pieces)
    share = torch.tensor(pieces).double().pow(-1 / places.size.shape[1]).unsqueeze(1)
    lengths = torch.bincount(places.sample[owner], minlength=tokens.segments.count)
    return TokenBatch(
        values=tokens.values[owner],
        places=Places(
            centre=places.centre[owner],
            size=(places.size * share)[owner],
            level=places.level[owner],
            sample=places.sample[owner],
        ),
        segments=Segments(tuple(lengths.tolist())),
        samples=tokens.samples,
    )


def owners(pieces: tuple[int, ...]) -> torch.Tensor:
    """Which cell each copy comes from."""
    return torch.arange(len(pieces)).repeat_interleave(torch.tensor(pieces))


def some_block(scheme: str, *, kernel: str = "sdpa", measure: bool = False) -> Block:
    """A block whose branches count, with weights that depend on nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SCHEMES[scheme](
            BlockSettings(
                width=WIDTH,
                heads=HEADS,
                kernel=KERNELS[kernel],
                norm="token",
                layer_scale=1.0,
                drop_path=0.0,
                measure=measure,
            )
        )
