"""Packed sequences against padded and masked ones, and against the published architecture.

python -m bench packed

A whole model of preset ti, forward and backward, four samples whose numbers of tokens vary
fourfold. `padded` is what is published for mixed sequences (arXiv 2412.20601): linear layers on
the tokens that exist, attention in float32 on sequences padded to the longest, with masked keys
and all scores kept. The paper variant is measured with either, at the same cells. Times are taken
in turn; memory is that of a process of its own.
"""

import json
import sys
from collections.abc import Iterator

import torch
from torch import Tensor

from bench._step import Step, alternating, fresh, measure
from matey_core.batches import FieldBatch
from matey_core.kernels import KERNELS
from matey_core.models import Model, ModelConfig, adaptive_config
from matey_core.profiling import SyntheticBatches
from matey_core.tokenizers import TokenizerConfig
from matey_core.tokens import Segments

GRID = (128, 256)
PATCH = (16, 4)
REFINED = (10, 24, 45, 66)
"""Cells of each sample that hold detail, of 128: 278, 488, 803 and 1118 tokens."""
TOKENS = (278, 488, 803, 1118)
HISTORY = 2
GAMMA = 0.1
REPEATS = 3
ARMS = ("packed", "padded", "paper", "paper padded")


def rows(depth: int = 12) -> Iterator[dict[str, object]]:
    for scheme in ("full", "factorized"):
        steps = {arm: _step(_model(arm, scheme, depth)) for arm in ARMS}
        seconds = alternating(steps, repeats=REPEATS)
        memory = {
            arm: fresh("bench.packed", arm, scheme, str(depth), limit=3600) or {} for arm in ARMS
        }
        for arm in ARMS:
            yield {
                "arm": arm,
                "scheme": scheme,
                "blocks": depth,
                "tokens": TOKENS,
                "seconds": seconds[arm],
                "times_packed": seconds[arm] / seconds["packed"],
                **{
                    key: value
                    for name in ("peak_mb", "saved_mb")
                    for key, value in {
                        name: memory[arm][name],
                        f"{name}_times_packed": memory[arm][name] / memory["packed"][name],
                    }.items()
                },
            }


@KERNELS.register("padded")
def padded(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Attend in sequences padded to the longest, without the keys that do not exist."""
    lengths = segments.sizes(q.device)
    exists = torch.arange(max(segments.lengths), device=q.device) < lengths[:, None]
    q, k, v = (_spread(part.float(), exists) for part in (q, k, v))
    scores = (q @ k.transpose(-1, -2)) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(~exists[:, None, None], float("-inf"))
    return (scores.softmax(-1) @ v).transpose(1, 2)[exists]


def _spread(rows: Tensor, exists: Tensor) -> Tensor:
    canvas = rows.new_zeros(*exists.shape, *rows.shape[1:])
    return canvas.masked_scatter(exists[..., None, None], rows).transpose(1, 2)


def _model(arm: str, scheme: str, depth: int) -> Model:
    torch.manual_seed(0)
    is_paper = "paper" in arm
    config = adaptive_config(
        ModelConfig.choose(
            {
                "variant": "paper" if is_paper else "matey",
                "position": "fourier" if is_paper else "boundary",
                "kernel": "padded" if "padded" in arm else "auto",
                "scheme": scheme,
                "depth": depth,
            }
        ),
        what="Packing",
    )
    tokenizer = TokenizerConfig(patch=PATCH, gamma=GAMMA, criterion="raw_variance")
    return config.with_tokenizer(tokenizer).build(fields=("u", "v"), num_axes=(2,)).train()


def _step(model: Model) -> Step:
    batch = _batch()
    found = tuple(model.count_tokens(batch).tolist())
    assert found == TOKENS, found
    return lambda: model(batch).values.square().mean()


def _batch() -> FieldBatch:
    """Noise in the first cells of each sample, nothing in the others."""
    batch = next(SyntheticBatches(("u", "v"), GRID, history=HISTORY, batch_size=len(REFINED)))
    across = GRID[1] // PATCH[0]
    cell = torch.arange(GRID[0] // PATCH[0] * across).view(-1, across)
    for axis in (0, 1):
        cell = cell.repeat_interleave(PATCH[0], axis)
    has_detail = cell < torch.tensor(REFINED).view(-1, 1, 1, 1, 1)
    noise = torch.randn(batch.history.shape, generator=torch.Generator().manual_seed(0))
    batch.history.copy_(noise * has_detail)
    return batch


def main() -> None:
    arm, scheme, depth = sys.argv[1:]
    model = _model(arm, scheme, int(depth))
    row = measure(_step(model), repeats=1, patience=0.0, without=model.parameters())
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
