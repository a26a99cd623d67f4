"""With a fixed budget nothing on the way from fields to prediction waits for the device."""

from typing import Any

import pytest

from matey_core.models import Model
from tests.formula import batch_of, spec_of, tiny_model
from tests.pretended import Wait, pretended, watching

TOKENIZATIONS: tuple[dict[str, Any], ...] = (
    {"name": "uniform", "patch": (4,)},
    {"patch": (8, 4), "tokens": 14},
    {"patch": (8, 4), "ratio": 0.5, "keep_parents": True},
    {"patch": (16, 8, 4), "tokens": 11, "criterion": "gradient"},
    {"patch": (32, 16, 8, 4), "tokens": 30, "coarse_cells": 16},
    {"name": "adap_mul", "patch": (8, 4), "tokens": 20},
    {"name": "adap_mul", "patch": (16, 8, 4), "ratio": 0.5},
)


@pytest.mark.parametrize("tokenizer", TOKENIZATIONS, ids=str)
@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_a_step_with_a_fixed_budget(scheme: str, tokenizer: dict[str, Any]) -> None:
    if scheme == "axial" and (tokenizer.get("name") is None or len(tokenizer["patch"]) > 2):
        pytest.skip("axial needs a grid")
    model = tiny_model(scheme=scheme, **{"gamma": None, **tokenizer}).train()
    assert waits_of_a_step(model) == []


def test_gamma_reads_the_numbers_of_cells_once() -> None:
    (wait,) = waits_of_a_step(tiny_model(patch=(16, 8, 4), gamma=0.3))
    assert wait.what == "reads a value"
    assert wait.where.startswith("tokenizers/_layout.py")


def waits_of_a_step(model: Model) -> list[Wait]:
    with watching() as watch:
        model.to(pretended())
        batch = batch_of(spec_of((32, 16)), leads=2).to(pretended())
        watch.waits.clear()
        model(batch).values.sum().backward()
    return watch.waits
