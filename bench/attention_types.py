"""Attention of a CPU in bfloat16 beside attention in float32, with the casts there and back.

python -m bench attention_types

Forward and backward, in turns and in CPU seconds, so that other programs do not decide.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

LENGTHS = (4, 16, 64, 128, 192, 256, 512, 1024)
WIDTH, ROWS = 192, 1024
"""Channels of all heads, as of preset ti, and rows of all sequences together."""
HEADS = (12, 6, 4, 3, 1)
"""Of 16, 32, 48, 64 and 192 channels."""
ROUNDS = 7


def rows() -> Iterator[dict[str, object]]:
    for heads, length in product(HEADS, LENGTHS):
        yield row(heads, length)


def row(heads: int, length: int) -> dict[str, object]:
    shape = (max(1, ROWS // length), heads, length, WIDTH // heads)
    inputs = [torch.randn(shape).bfloat16().requires_grad_() for _ in range(3)]
    kinds: dict[str, Callable[..., Tensor]] = {
        "bfloat16": scaled_dot_product_attention,
        "float32": _in_float32,
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(1 + ROUNDS):
        for kind, attend in kinds.items():
            began = time.process_time()
            attend(*inputs).sum().backward()
            times[kind].append(time.process_time() - began)
    seconds = {kind: statistics.median(found[1:]) for kind, found in times.items()}
    return {
        "what": "attention",
        "length": length,
        "channels": WIDTH // heads,
        "bfloat16_s": seconds["bfloat16"],
        "float32_s": seconds["float32"],
        "gain": seconds["bfloat16"] / seconds["float32"],
    }


def _in_float32(*inputs: Tensor) -> Tensor:
    return scaled_dot_product_attention(*(each.float() for each in inputs)).to(inputs[0].dtype)
