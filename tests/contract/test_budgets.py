"""What every budget promises: the same number of cells in every sample, or a threshold."""

import math

import pytest
import torch

from matey_core.budgets import BUDGETS, BudgetConfig, Ladder
from matey_core.config import validate
from matey_core.models import ModelConfig
from matey_core.tokenizers import TokenizerConfig, grow

VALUES = {"gamma": 0.3, "ratio": 0.5, "tokens": 40}
LADDER = Ladder(roots=16, pieces=(4, 4), keep_parents=False, keeps_roots=False)


def build(name: str) -> BudgetConfig:
    return BudgetConfig.choose({"name": name, name: VALUES[name]})


@pytest.mark.parametrize("name", BUDGETS.names())
def test_its_value_alone_stands_for_its_section(name: str) -> None:
    short = TokenizerConfig.model_validate({name: VALUES[name]})
    assert short.budget == build(name)
    assert short == TokenizerConfig(budget=build(name))
    assert getattr(short, name) == VALUES[name]
    assert short.has_number == build(name).is_number


@pytest.mark.parametrize("name", BUDGETS.names())
@pytest.mark.parametrize("other", BUDGETS.names())
def test_its_value_lies_over_the_section_of_another(name: str, other: str) -> None:
    section = build(other).model_dump(mode="json")
    values = {"tokenizer": {"budget": section, name: VALUES[name], "patch": [8, 4]}}
    for variant in ("matey", *(["paper"] if name != "tokens" else [])):
        config = validate(ModelConfig, {"variant": variant, **values}, source="")
        assert config.tokenizer.budget == build(name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BUDGETS.names())
def test_it_splits_no_more_cells_than_there_are(name: str) -> None:
    quota = build(name).quota(LADDER)
    assert (quota is not None) == build(name).is_number
    if quota is not None:
        cells = LADDER.roots
        for split, pieces in zip(quota.splits, LADDER.pieces, strict=True):
            assert 0 <= split <= cells
            cells = split * pieces


@pytest.mark.parametrize("name", BUDGETS.names())
@pytest.mark.parametrize("patch", [(8, 4), (16, 8, 4)])
def test_its_limit_is_met_and_samples_are_alike_where_it_is_a_number(
    name: str, patch: tuple[int, ...]
) -> None:
    budget = build(name)
    history = torch.rand(3, 2, 1, 32, 32, generator=torch.Generator().manual_seed(0)) ** 4
    tree = grow(TokenizerConfig(patch=patch, budget=budget), history, periodic=(True, True))
    counts = [sum(map(int, levels)) for levels in tree.counts()]
    if budget.limit is not None:
        assert counts == [budget.limit] * 3
    elif budget.is_number:
        assert len(set(counts)) == 1
    assert all(math.prod(tree.roots) <= count for count in counts)


def test_a_threshold_is_a_fraction_of_each_samples_largest_score() -> None:
    scores = torch.tensor([[1.0, 0.31, 0.3], [10.0, 3.1, 3.0]])
    assert build("gamma").above(scores).tolist() == [[True, True, False], [True, True, False]]
