"""On a CPU, short sequences attend in float32 inside bfloat16: it is faster, and more exact."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from matey_core.kernels.sdpa import sdpa
from matey_core.tokens import Segments


@pytest.mark.parametrize(
    ("has_tiles", "rows", "channels", "is_exact"),
    [
        (True, 128, 64, True),
        (True, 192, 64, False),
        (True, 192, 32, True),
        (True, 256, 16, True),
        (True, 264, 32, False),
        (False, 256, 64, True),
        (False, 264, 64, False),
        (False, 512, 32, True),
        (False, 520, 16, False),
    ],
)
def test_where_attention_is_computed_in_float32(
    has_tiles: bool, rows: int, channels: int, is_exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matey_core.kernels.sdpa.HAS_TILES", has_tiles)
    torch.manual_seed(0)
    q, k, v = (torch.randn(rows, 2, channels).bfloat16() for _ in range(3))
    found = sdpa(q, k, v, Segments((rows,)))
    inputs = (each.float().transpose(0, 1).unsqueeze(0) for each in (q, k, v))
    exact = scaled_dot_product_attention(*inputs)[0].transpose(0, 1).bfloat16()
    assert torch.equal(found, exact) is is_exact
