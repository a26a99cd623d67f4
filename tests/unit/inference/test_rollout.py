"""Rollouts of models that are solved in closed form."""

import pytest
import torch

from matey_core.inference import rollout
from tests.unit.inference.recurrence import Recurrence, start


@pytest.mark.parametrize("shape", [(8,), (4, 6), (3, 4, 5)])
@pytest.mark.parametrize("stride", [1, 2, 3, 7, 10])
def test_linear_recurrence_equals_its_closed_form(shape: tuple[int, ...], stride: int) -> None:
    batch = start(*shape)
    states = list(rollout(Recurrence(1.1, -0.3), batch, steps=7, stride=stride))
    # The roots of r² = 1.1 r − 0.3 are 0.6 and 0.5.
    last, before = batch.history[:, -1].double(), batch.history[:, -2].double()
    first = (last - 0.5 * before) / 0.1
    second = (0.6 * before - last) / 0.1
    assert len(states) == 7
    for number, state in enumerate(states, start=2):
        expected = first * 0.6**number + second * 0.5**number
        torch.testing.assert_close(state.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("stride", "calls"), [(1, 7), (2, 4), (7, 1), (10, 1)])
def test_the_model_is_called_once_a_stride(stride: int, calls: int) -> None:
    model = Recurrence(1.0, 0.0)
    assert len(list(rollout(model, start(4), steps=7, stride=stride))) == 7
    assert model.calls == calls


def test_states_come_one_by_one_and_modes_are_put_back() -> None:
    model = Recurrence(1.0, 0.0)
    states = rollout(model, start(4), steps=100)
    next(states)
    assert model.calls == 1
    assert torch.is_grad_enabled()
    states.close()
    assert model.training


def test_a_history_of_two_is_enough_and_stays_two_long() -> None:
    batch = start(4, frames=2)
    longer = start(4, frames=3)
    longer.history[:, 1:] = batch.history
    short = list(rollout(Recurrence(1.1, -0.3), batch, steps=5))
    long = list(rollout(Recurrence(1.1, -0.3), longer, steps=5))
    assert all(torch.equal(a, b) for a, b in zip(short, long, strict=True))
