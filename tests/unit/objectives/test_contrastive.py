"""The contrast of samples, number by number."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.data import Windows
from matey_core.equations import known_equation, step
from matey_core.errors import ConfigError
from matey_core.losses.nrmse import nrmse
from matey_core.objectives.contrastive import ContrastiveConfig, distance, similarity
from matey_core.objectives.residual import ResidualConfig
from tests.unit.objectives.test_residual import answer, heat


def check(history: int = 2, nu: tuple[float, ...] = (0.1, 0.2), **store: object) -> None:
    """Check the windows of a store of the heat equation."""
    of_heat = {
        "spec": heat(1).spec,
        "name": "mine",
        "parameters": {"nu": np.array(nu), "seed": np.array([1.0, 2.0])},
        "given": (),
        "missing": {"temperature": 0},
    }
    windows = Mock(spec=Windows)
    windows.store, windows.samples = SimpleNamespace(**of_heat | store), (0, 1)
    windows.history = history
    ContrastiveConfig().check(windows)
    ResidualConfig().check(windows)


def test_a_store_is_refused_before_training_where_something_is_not_known() -> None:
    check()
    check(parameters={"nu": np.array([0.1, 0.2, math.nan])})
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"nu": (0.1, math.nan)}, "mine has trajectories without nu, which the equation heat_2d"),
        ({"missing": {"temperature": 3}}, "mine has solid or missing cells"),
        ({"parameters": {}}, "None of the equations that are known fits mine"),
        ({"history": 1}, "mine has none in a history of 1"),
    )
    for wrong, problem in cases:
        with pytest.raises(ConfigError, match=problem):
            check(**wrong)


def test_similarity_is_the_published_one_of_relative_parameters() -> None:
    alone = similarity(torch.tensor([[0.1], [0.4], [0.1]]))
    torch.testing.assert_close(alone, torch.tensor([[1, 0.5, 1], [0.5, 1, 0.5], [1, 0.5, 1]]))
    pair = torch.tensor([[3.0, 0.0], [4.0, 1e-3]])
    size = torch.tensor([12.5, 5e-7]).sqrt()
    first, second = pair / size
    expected = (first @ second).sqrt() / max(first.norm(), second.norm())
    torch.testing.assert_close(similarity(pair)[0, 1], expected)
    torch.testing.assert_close(similarity(pair * torch.tensor([1.0, 1e3])), similarity(pair))
    assert torch.equal(similarity(torch.zeros(2, 1)), torch.ones(2, 2))


def test_distances_are_those_of_all_differences() -> None:
    ahead, behind = torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(0))
    every = (ahead[:, None] + behind).square().mean(2)
    torch.testing.assert_close(distance(ahead, behind), every)


def predicted(batch: FieldBatch) -> Prediction:
    return answer(batch, 0.9 * batch.history[:, -1:])


def test_the_loss_is_what_its_definition_says() -> None:
    batch = heat(1)
    u, v = batch.history[:, 1], batch.history[:, 0]
    z = 0.9 * u
    ahead = z + step(known_equation(batch.spec, batch.given), z, torch.full((3, 1, 1, 1), 0.1))
    apart = ((u[:, None] - v) - (ahead[:, None] - z)).square().mean((2, 3, 4))
    apart = apart / (u - v).square().mean()
    similar = similarity(batch.given["nu"][:, None])
    pairs = similar * apart + (1 - similar) * (apart.mean() - apart).clamp(min=0)
    value = ContrastiveConfig().build(nrmse)(predicted, replace(batch, targets=None))
    torch.testing.assert_close(value.total, pairs.mean() / 2)
    assert value.loss.parts["contrastive"] == value.total


def test_the_equations_own_answer_costs_less_than_others_and_units_do_not_matter() -> None:
    """Of one sample: the equation makes the last change of the frame before it."""
    batch = replace(heat(1), given={"nu": torch.full((3,), 0.01)})
    batch = replace(batch, history=batch.history[1:2].expand(3, -1, -1, -1, -1))
    objective = ContrastiveConfig(weight=2).build(nrmse)

    def cost(batch: FieldBatch, factor: float) -> float:
        return objective(
            lambda each: answer(each, factor * each.history[:, :1]), batch
        ).total.item()

    assert cost(batch, 1.0) < 1e-6 < 0.01 < cost(batch, 1.5)
    other = replace(batch, history=1e4 * batch.history)
    assert cost(other, 1.5) == pytest.approx(cost(batch, 1.5), rel=1e-4)


def test_the_supervised_loss_may_stand_beside_it_and_a_history_of_one_frame_is_refused() -> None:
    batch = heat(1)
    alone, beside = (ContrastiveConfig(supervised=each).build(nrmse) for each in (0.0, 0.5))
    more = beside(predicted, batch).total - alone(predicted, batch).total
    torch.testing.assert_close(more, 0.5 * nrmse(predicted(batch), batch).total)
    with pytest.raises(ConfigError, match="mine has none in a history of 1"):
        alone(predicted, replace(batch, history=batch.history[:, 1:]))
