"""Time and memory of one block from 1k to 64k packed tokens, forward and backward.

python -m bench attention, or python -m bench.attention SCHEME TOKENS BLOCKS RECOMPUTE

A block of preset ti, 16 frames, one sample; on a GPU in bfloat16. Every size has a process of its
own. Sizes whose time, foretold by the square of the tokens, passes `LIMIT` are left out, and
their rows say so; named in the second form, they are measured all the same. Exponents are slopes
of logarithms: over all sizes, and of the last two. Then, what computing blocks again saves.
"""

import contextlib
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence

import torch

from bench._step import fresh, measure
from matey_core.attention import SCHEMES, BlockSettings
from matey_core.kernels import KERNELS
from matey_core.models.matey import MateyConfig
from matey_core.nn.recompute import run_block
from matey_core.tokens import Places, Segments, TokenBatch

FRAMES = 16
TOKENS = tuple(1024 * 4**power for power in range(4))
LIMIT = 240.0
"""Seconds that one step may take."""
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rows(limit: float = LIMIT) -> Iterator[dict[str, object]]:
    for scheme in SCHEMES.names():
        yield from _rows_of(scheme, limit)
    for recompute in ("0", "1"):
        row = fresh("bench.attention", "full", "1024", "12", recompute, limit=limit) or {}
        what = {"scheme": "full", "tokens": 1024, "blocks": 12, "recompute": recompute == "1"}
        yield {**what, **row}


def _rows_of(scheme: str, limit: float) -> Iterator[dict[str, object]]:
    what = {"scheme": scheme, "blocks": 1}
    found: dict[int, dict[str, float]] = {}
    for tokens in TOKENS:
        foretold = found[tokens // 4]["seconds"] * 16 if tokens // 4 in found else 0.0
        row = None
        if foretold <= limit:
            row = fresh("bench.attention", scheme, str(tokens), "1", "0", limit=10 * limit)
        if row is None:
            yield {**what, "tokens": tokens, "left_out": f"a step may take more than {limit:.0f} s"}
            break
        found[tokens] = row
        yield {**what, "tokens": tokens, **row}
    yield {**what, **_exponents(found)}


def _exponents(found: dict[int, dict[str, float]]) -> dict[str, object]:
    sizes = list(found)
    exponents: dict[str, object] = {"sizes": sizes}
    for key in ("seconds", "peak_mb", "saved_mb"):
        values = [found[size][key] for size in sizes]
        if len(sizes) > 1 and min(values) > 0:
            exponents[f"exponent_{key}"] = _slope(sizes, values)
            exponents[f"last_exponent_{key}"] = _slope(sizes[-2:], values[-2:])
    return exponents


def _slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least squares in logarithms."""
    u, v = ([math.log(each) for each in values] for values in (x, y))
    mean = sum(u) / len(u)
    spread = sum((each - mean) ** 2 for each in u)
    return sum((a - mean) * b for a, b in zip(u, v, strict=True)) / spread


def one(scheme: str, tokens: int, *, blocks: int, recompute: bool) -> dict[str, float]:
    """Measure one size."""
    width, _, heads = MateyConfig(preset="ti").sizes
    torch.manual_seed(0)
    settings = BlockSettings(
        width=width,
        heads=heads,
        kernel=KERNELS["auto"],
        norm="token",
        layer_scale=0.2,
        drop_path=0.0,
    )
    stack = [SCHEMES[scheme](settings).to(DEVICE) for _ in range(blocks)]
    small, large = _tokens(FRAMES * 4, width), _tokens(tokens, width)
    half = (
        torch.autocast("cuda", torch.bfloat16)
        if DEVICE.type == "cuda"
        else contextlib.nullcontext()
    )

    def step(batch: TokenBatch) -> torch.Tensor:
        with half:
            for block in stack:
                batch = run_block(block, batch, None, recompute=recompute)
            return batch.values.square().mean()

    step(small).backward()
    weights = (weight for block in stack for weight in block.parameters())
    return measure(lambda: step(large), repeats=3, without=weights)


def _tokens(tokens: int, width: int) -> TokenBatch:
    """One sample with a square grid of cells, which every scheme can take."""
    cells = tokens // FRAMES
    side = math.isqrt(cells)
    assert side**2 == cells
    centre = torch.tensor(list(itertools.product(range(side), repeat=2)), device=DEVICE)
    sample = torch.zeros(cells, dtype=torch.int64, device=DEVICE)
    values = torch.randn(cells, FRAMES, width, device=DEVICE)
    return TokenBatch(
        values=values.requires_grad_(),
        places=Places(
            centre=(centre + 0.5) / side,
            size=torch.full((cells, 2), 1 / side, device=DEVICE),
            level=sample,
            sample=sample,
        ),
        segments=Segments.same(1, cells),
        samples=1,
        grid=(side, side),
    )


def main() -> None:
    scheme, tokens, blocks, recompute = sys.argv[1:]
    row = one(scheme, int(tokens), blocks=int(blocks), recompute=recompute == "1")
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
