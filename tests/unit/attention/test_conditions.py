"""What a sample's tokens are told does not depend on how many each of the others has."""

from dataclasses import replace

import pytest
import torch

from matey_core.attention import SCHEMES
from tests.launches import Launches
from tests.unit.attention.tokens import WIDTH, some_block, some_tokens


@pytest.mark.parametrize("scheme", ["full", "factorized"])
def test_samples_with_equally_many_cells_need_no_copies_of_their_condition(scheme: str) -> None:
    tokens, block = some_tokens((5, 5, 5)), some_block(scheme)
    tokens = tokens.with_values(tokens.values.float())
    generator = torch.Generator().manual_seed(0)
    rows = 3 * (SCHEMES[scheme].num_stages + 1)
    condition = torch.randn(3, rows, WIDTH, generator=generator)
    answers, launches = [], []
    for per_sample in (None, 5):
        places = replace(tokens.places, per_sample=per_sample)
        block.zero_grad()
        given = condition.clone().requires_grad_()
        with Launches() as counted:
            values = block(replace(tokens, places=places), given).values
            values.square().sum().backward()
        launches.append(counted.count)
        answers.append([values, given.grad, *(each.grad for each in block.parameters())])
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-5, atol=1e-5)
    assert launches[0] - launches[1] == 3
