"""Attention of a CPU in bfloat16 beside attention in float32, with the casts there and back.

python -m bench attention_types

Forward and backward, in turns and in CPU seconds, so that other programs do not decide.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

LENGTHS = (4, 16, 64, 128, 192, 256, 512, 1024)
HEADS, WIDTH, ROWS = 3, 64, 1024
"""Of preset ti; rows of all sequences together."""
ROUNDS = 7


def rows() -> Iterator[dict[str, object]]:
    for length in LENGTHS:
        yield row(length)


def row(length: int) -> dict[str, object]:
    shape = (max(1, ROWS // length), HEADS, length, WIDTH)
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
        "bfloat16_s": seconds["bfloat16"],
        "float32_s": seconds["float32"],
        "gain": seconds["bfloat16"] / seconds["float32"],
    }


def _in_float32(*inputs: Tensor) -> Tensor:
    return scaled_dot_product_attention(*(each.float() for each in inputs)).to(inputs[0].dtype)
