"""What attention costs on given cells, counted on the sequences that a model would form."""

import torch

from matey_core.attention import SCHEMES, Block, BlockSettings
from matey_core.kernels import KERNELS
from matey_core.tokenizers import Pass, Tree
from matey_core.tokenizers._layout import lay_out
from matey_core.tokens import TokenBatch


def num_pairs(
    scheme: str,
    cells: tuple[Pass, ...],
    tree: Tree,
    *,
    shape: tuple[int, ...],
    history: int,
    of_sizes: bool = False,
) -> int | None:
    """Count the pairs of tokens that one block compares; None where the scheme cannot.

        pairs = Σ (length of a sequence)²,   over all sequences of all attention stages

    Args:
        scheme: who attends to whom.
        cells: passes of one sample.
        tree: where they come from.
        shape: points per axis of the grid.
        history: frames that a model sees.
        of_sizes: count only where cells of different sizes may meet.
    """
    block = _block(scheme)
    total = 0
    for each in cells:
        layout = lay_out(each, tree.patches, shape)
        if block.needs_grid and layout.grid is None:
            return None
        tokens = TokenBatch(
            values=torch.empty(len(layout.places.level), history, 0),
            places=layout.places,
            segments=layout.segments,
            samples=tree.samples,
            grid=layout.grid,
        )
        routes = (route for stage in block.routes(tokens) for route in stage)
        counted = (route.segments for route in routes if route.meets_sizes or not of_sizes)
        total += sum(length**2 for segments in counted for length in segments.lengths)
    return total


def _block(scheme: str) -> Block:
    """A block without memory of its own: only its routes are asked for."""
    settings = BlockSettings(
        width=8, heads=1, kernel=KERNELS["math"], norm="token", layer_scale=1.0, drop_path=0.0
    )
    with torch.device("meta"):
        return SCHEMES[scheme](settings)
