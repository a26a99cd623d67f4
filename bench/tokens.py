"""What adaptive tokens cost beside uniform ones: as many of them, on the same grid.

python -m bench tokens
"""

from collections.abc import Iterator

import torch

from matey_core.batches import FieldBatch
from matey_core.models import Model
from matey_core.models.matey import MateyConfig
from matey_core.profiling import SyntheticBatches, alternate
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig
from matey_core.tokenizers._grow import grow
from matey_core.tokenizers._layout import gather, lay_out

HISTORY = 2
CPU = torch.device("cpu")
GRIDS = {
    2: {256: (128, 128), 1024: (256, 256), 4096: (512, 512), 8192: (512, 1024)},
    3: {256: (32, 64, 64), 1024: (64, 64, 128), 4096: (128, 128, 128), 8192: (128, 128, 256)},
}
"""Tokens of a uniform patch, by number of axes."""
UNIFORM = {2: (8,), 3: (8,)}
MIXED = {2: (16, 8, 4), 3: (16, 8, 4)}
SCHEMES = ("full", "factorized")
DEPTHS = {256: 12, 1024: 12, 4096: 4, 8192: 2}
"""Blocks: fewer where a step would take minutes; the shares of stem and head grow with it."""
WHOLE = (128, 256)


def rows() -> Iterator[dict[str, object]]:
    for axes, grids in GRIDS.items():
        for scheme in SCHEMES:
            for tokens, grid in grids.items():
                yield _step(axes, scheme, tokens, grid)
    yield _choosing()


def _step(axes: int, scheme: str, tokens: int, grid: tuple[int, ...]) -> dict[str, object]:
    batch = next(SyntheticBatches(("u", "v"), grid, history=HISTORY, batch_size=1))
    uniform = _model(axes, scheme, tokens, TokenizerConfig(name="uniform", patch=UNIFORM[axes]))
    mixed = _model(axes, scheme, tokens, TokenizerConfig(patch=MIXED[axes], tokens=tokens))
    assert uniform.count_tokens(batch).item() == mixed.count_tokens(batch).item() == tokens
    seconds = alternate([lambda: _train(uniform, batch), lambda: _train(mixed, batch)], CPU)
    return {
        "what": "step",
        "axes": axes,
        "scheme": scheme,
        "tokens": tokens,
        "blocks": DEPTHS[tokens],
        "uniform_s": seconds[0],
        "adap_mix_s": seconds[1],
        "ratio": seconds[1] / seconds[0],
    }


def _model(axes: int, scheme: str, tokens: int, tokenizer: TokenizerConfig) -> Model:
    torch.manual_seed(0)
    config = MateyConfig(preset="ti", scheme=scheme, depth=DEPTHS[tokens], tokenizer=tokenizer)
    return config.build(fields=("u", "v"), num_axes=(axes,)).train()


def _train(model: Model, batch: FieldBatch) -> None:
    model(batch).values.square().mean().backward()
    model.zero_grad(set_to_none=True)


def _choosing() -> dict[str, object]:
    """Choosing leaves and gathering their points, as a share of a forward pass."""
    batch = next(SyntheticBatches(("u", "v"), WHOLE, history=4, batch_size=8))
    config = TokenizerConfig(patch=(16, 8), tokens=320)
    model = MateyConfig(preset="ti", tokenizer=config).build(fields=("u", "v"), num_axes=(2,))
    periodic = batch.spec.grid.periodic

    def choose() -> None:
        tree = grow(config, batch.history, periodic=periodic)
        for cells in TOKENIZERS[config.name](tree):
            layout = lay_out(cells, tree.patches, WHOLE)
            for group in layout.groups:
                gather(batch.history, tree.patches[group.level], group)

    @torch.no_grad()
    def forward() -> None:
        model(batch)

    chosen, whole = alternate([choose, forward], CPU)
    return {"what": "choosing and gathering", "seconds": chosen, "share": chosen / whole}
