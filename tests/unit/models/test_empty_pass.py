"""Local passes without a cell: nothing was refined, so the coarse pass is all there is."""

import pytest
import torch

from matey_core.models.matey import MateyConfig
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of, tiny_model

BATCH = batch_of(spec_of((20, 16)))  # six coarse cells, two of them padded by half
BUDGETS: list[dict[str, object]] = [
    {"gamma": 1.0},
    {"gamma": None, "ratio": 0.0},
    {"gamma": None, "tokens": 6},
]


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_predicts_and_learns_as_the_coarse_pass(scheme: str, budget: dict[str, object]) -> None:
    model = tiny_model(scheme=scheme, name="adap_mul", **budget)
    found = model(BATCH).values
    with model.retokenized(TokenizerConfig(name="uniform", patch=(8,))):
        torch.testing.assert_close(found, model(BATCH).values, rtol=0, atol=1e-6)
    found.square().mean().backward()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in model.parameters())


def test_constant_fields_with_a_threshold_and_with_the_measure() -> None:
    batch = batch_of(spec_of((16, 16)))
    batch.history.fill_(2.5)
    config = MateyConfig(
        width=24,
        depth=1,
        heads=2,
        measure=True,
        tokenizer=TokenizerConfig(name="adap_mul", patch=(8, 4), gamma=0.1),
    )
    model = config.build(fields=batch.spec.names, num_axes=(2,))
    assert model.count_tokens(batch).tolist() == [4, 4, 4]
    assert model(batch).values.isfinite().all()
