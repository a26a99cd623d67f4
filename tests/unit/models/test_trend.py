"""What an untrained model predicts: every field's last change goes on."""

import pytest
import torch

from matey_core.models.matey import MateyConfig
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of


@pytest.mark.parametrize("name", ["uniform", "adap_mix", "adap_mul"])
def test_no_pass_adds_the_trend_again(name: str) -> None:
    """Corrections of refined cells begin at nothing: all tokenizers begin at the same place."""
    torch.manual_seed(0)
    tokenizer = TokenizerConfig(name=name, patch=(8, 4), tokens=None if name == "uniform" else 40)
    batch = batch_of(spec_of((32, 32)))
    model = MateyConfig(width=32, depth=1, heads=2, tokenizer=tokenizer).build(
        fields=batch.spec.names, num_axes=(2,)
    )
    for head in model.heads.values():
        torch.nn.init.zeros_(head.first)
    lead = batch.lead_steps[:, 0].reshape(-1, 1, 1, 1)
    last, before = batch.history[:, -1], batch.history[:, -2]
    expected = last + lead * (last - before)
    found = model.eval()(batch).values[:, 0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
