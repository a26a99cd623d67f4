"""All that computes, on a device that is none: same numbers, no mix of devices, known waits."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from matey_core.inference import evaluate, rollout
from matey_core.models import MODELS, AdaptiveModel, ModelConfig
from matey_core.nn.field_table import FieldTable
from matey_core.nn.scale import Scale
from matey_core.simulators import SIMULATORS
from matey_core.simulators._integrate import collate
from matey_core.training import TrainState, WeightAverage
from tests.devices import CALLS, CONFIGS, CPU, STEPS, batches, built, name_of, trained, waits_of
from tests.pretended import MixedDevicesError, PretendedTensor, Wait, pretended, watching


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_a_training_has_the_same_losses_and_the_waits_that_are_said(config: ModelConfig) -> None:
    _, expected = trained(config, CPU, batches())
    by_step: list[list[Wait]] = []
    with watching() as watch:

        def after_step(*_: object) -> None:
            by_step.append(list(watch.waits))
            watch.waits.clear()

        data = [batch.pin_memory() for batch in batches()]
        _, found = trained(config, pretended(), data, after_step=after_step)
    first, *others = ([run[step].loss for run in (found, expected)] for step in range(STEPS))
    assert first[0] == pytest.approx(first[1], rel=1e-6)
    for loss, same in others:  # layouts differ there, so gradients are summed in another order
        assert loss == pytest.approx(same, rel=1e-5)
    assert [len(waits) for waits in by_step[1:]] == [CALLS * waits_of(config)] * (STEPS - 1), (
        by_step
    )


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_evaluation_and_rollout_give_the_same_numbers(config: ModelConfig) -> None:
    model, (batch,) = built(config), batches(1)
    expected = evaluate(model, [batch]).scores(), [*rollout(model, batch, steps=3, stride=2)]
    with watching():
        model.to(pretended())
        there = batch.to(pretended())
        found = evaluate(model, [there]).scores()
        states = [state.cpu() for state in rollout(model, there, steps=3, stride=2)]
    for field, metrics in expected[0].items():
        for metric, score in metrics.items():
            assert found[field][metric].error == pytest.approx(score.error, rel=1e-6)
    torch.testing.assert_close(states, expected[1], rtol=1e-5, atol=1e-5)


def test_cells_that_begin_elsewhere_make_nobody_wait() -> None:
    config = next(each for each in CONFIGS if name_of(each) == "matey full adap_mix 18 tokens")
    model, (batch,) = built(config), batches(1)
    assert isinstance(model, AdaptiveModel)
    moves = {"seed": 0, "step": 3}
    with torch.no_grad(), model.jittered(batch.spec.grid, **moves):
        expected = model(batch).values
    with watching() as watch:
        model.to(pretended())
        there = batch.to(pretended())
        watch.waits.clear()
        with torch.no_grad(), model.jittered(there.spec.grid, **moves):
            found = model(there).values
        assert watch.waits == []
    torch.testing.assert_close(held(found), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", SIMULATORS.names())
def test_a_simulation_gives_the_same_numbers(name: str) -> None:
    kind = SIMULATORS[name]
    is_static = kind.model_fields["frames"].default == 2
    simulator = kind(grid=16, frames=2).build() if is_static else kind(grid=16, frames=3).build()
    problem = simulator.sample(np.random.RandomState(0))

    def course(device: torch.device) -> list[torch.Tensor]:
        problems = collate([problem], torch.float64, device)
        return [simulator.observe(state, problems).cpu() for state in simulator.frames(problems)]

    with watching():
        found = course(pretended())
    torch.testing.assert_close(found, course(CPU), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_step_that_is_not_finite_is_left_out_by_the_device(optimizer: str) -> None:
    config, good = MODELS["matey"].tiny(), batches(2)
    assert good[0].targets is not None
    bad = replace(good[0], targets=good[0].targets * torch.inf)
    with watching() as watch:
        expected, _ = trained(config, pretended(), good, optimizer=optimizer)
        data = [bad, good[0], bad, good[1], bad]
        state, reports = trained(config, pretended(), data, optimizer=optimizer)
        waits = {wait.where.partition(":")[0] for wait in watch.waits}
    assert [report.is_skipped for report in reports] == [True, False, True, False, True]
    assert (state.step, state.skipped, state.skipped_in_a_row) == (5, 3, 1)
    assert "optimizers/__init__.py" not in waits
    for name, weight in expected.model.named_parameters():
        assert torch.equal(held(state.model.get_parameter(name)), held(weight))


@pytest.mark.parametrize("where", ["the host", "a device"])
def test_a_device_is_asked_about_a_step_when_the_next_one_is_on_its_way(where: str) -> None:
    config, good = MODELS["fno"].tiny(), batches(2)
    assert good[0].targets is not None
    bad = replace(good[0], targets=good[0].targets * torch.inf)
    known: list[int] = []

    def after_step(state: TrainState, _: str, settle: Callable[[], None]) -> None:
        known.append(state.skipped)
        settle()
        known.append(state.skipped)

    with watching():
        device = pretended() if where == "a device" else CPU
        trained(config, device, [bad, good[1], bad], after_step=after_step)
    assert known == ([0, 1, 1, 1, 1, 2] if where == "a device" else [1, 1, 1, 1, 2, 2])


def test_an_average_does_not_follow_a_step_that_the_device_leaves_out() -> None:
    with watching() as watch:
        layer = torch.nn.Linear(2, 2).to(pretended())
        average = WeightAverage(layer, 0.5)
        before = held(average.values["weight"]).clone()
        watch.waits.clear()
        torch.nn.init.ones_(layer.weight)
        average.update(9, when=held_there(False))
        assert torch.equal(held(average.values["weight"]), before)
        average.update(9, when=held_there(True))
        torch.testing.assert_close(held(average.values["weight"]), 0.5 * before + 0.5)
    assert not watch.waits


def held_there(value: bool) -> torch.Tensor:
    return torch.full((), value, device=pretended())


def held(tensor: torch.Tensor) -> torch.Tensor:
    assert isinstance(tensor, PretendedTensor)
    return tensor.held


def test_a_list_as_an_index_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FieldTable, "_index", lambda self, rows: rows)
    with watching() as watch:
        model = built(MODELS["fno"].tiny()).to(pretended())
        batch = batches(1)[0].to(pretended())
        watch.waits.clear()
        model(batch)
    assert {(wait.what, wait.where.partition(":")[0]) for wait in watch.waits} == {
        ("copies from the host", "nn/field_table.py")
    }


def test_a_tensor_that_stayed_on_the_host_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stayed = torch.ones(1, 1, 1, 1, 1)
    monkeypatch.setattr(Scale, "restore", lambda self, fields: fields * stayed)
    with watching():
        model = built(MODELS["fno"].tiny()).to(pretended())
        with pytest.raises(MixedDevicesError, match=r"mul.Tensor mixes devices at models/_wrapper"):
            model(batches(1)[0].to(pretended()))
