"""With a fixed budget nothing on the way from fields to prediction waits for the device."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.formula import batch_of, spec_of, tiny_model

WAITING = (
    torch.ops.aten._local_scalar_dense,
    torch.ops.aten.nonzero,
    torch.ops.aten.item,
    torch.ops.aten.is_nonzero,
    torch.ops.aten.equal,
    torch.ops.aten.masked_select,
    torch.ops.aten._unique2,
    torch.ops.aten.unique_dim,
    torch.ops.aten.bincount,
)
"""What a host must wait for: a value, or a shape that values decide."""
TOKENIZATIONS: tuple[dict[str, Any], ...] = (
    {"name": "uniform", "patch": (4,)},
    {"patch": (8, 4), "tokens": 14},
    {"patch": (8, 4), "ratio": 0.5, "keep_parents": True},
    {"patch": (16, 8, 4), "tokens": 11, "criterion": "gradient"},
    {"patch": (32, 16, 8, 4), "tokens": 30, "coarse_cells": 16},
    {"name": "adap_mul", "patch": (8, 4), "tokens": 20},
    {"name": "adap_mul", "patch": (16, 8, 4), "ratio": 0.5},
)


class NoWaiting(TorchDispatchMode):
    """Fails where a host would wait for its device."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket in WAITING:
            raise AssertionError(f"{func} waits for the device")
        if func.overloadpacket in (torch.ops.aten.index, torch.ops.aten.index_put):
            indices = [index for index in args[1] if index is not None]
            assert all(index.dtype != torch.bool for index in indices), "a mask decides a shape"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("tokenizer", TOKENIZATIONS, ids=str)
@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_a_step_with_a_fixed_budget(scheme: str, tokenizer: dict[str, Any]) -> None:
    if scheme == "axial" and (tokenizer.get("name") is None or len(tokenizer["patch"]) > 2):
        pytest.skip("axial needs a grid")
    model = tiny_model(scheme=scheme, **{"gamma": None, **tokenizer}).train()
    batch = batch_of(spec_of((32, 16)), leads=2)
    model(batch)  # what is planned once may look
    with NoWaiting():
        model(batch).values.sum().backward()


def test_gamma_looks_at_its_counts() -> None:
    model = tiny_model(gamma=0.3)
    with NoWaiting(), pytest.raises(AssertionError, match="waits for the device"):
        model(batch_of(spec_of((32, 16))))
