"""What is timed before a training, and that the training does not notice."""

import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from matey_core.batches import FieldBatch
from matey_core.data import Mixture, Windows
from matey_core.distributed import Place, StrategyConfig
from matey_core.distributed.single import Single
from matey_core.losses import LossConfig
from matey_core.objectives import Objective, ObjectiveValue, Predict
from matey_core.optimizers import OptimizerConfig
from matey_core.runs.pace import FEWEST, Measured, measure_pace
from matey_core.store import open_store
from matey_core.training import Precision
from matey_core.workflows.pretrain import PretrainConfig
from tests.support import tiny_store
from tests.training import tiny_model

CPU = torch.device("cpu")
CONFIG = PretrainConfig(minutes=1e-6)
"""So little time that one step is measured."""


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> list[Windows]:
    folder = tmp_path_factory.mktemp("data")
    stores = [open_store(tiny_store(folder, name=name)) for name in ("cheap", "dear")]
    return [
        Windows(
            store,
            store.samples("train"),
            history=2,
            max_lead=2,
            extra_frames=CONFIG.objective.extra_frames,
        )
        for store in stores
    ]


def alone() -> Single:
    strategy = StrategyConfig.choose("single").build(Place(), CPU)
    assert isinstance(strategy, Single)
    return strategy


def measured(
    windows: Sequence[Windows], objective: Objective | None = None, *, optimizer: str = "adamw"
) -> Measured:
    torch.manual_seed(0)
    model = tiny_model().build(fields=windows[0].spec.names, num_axes=(2,))
    return Measured(
        model=model,
        optimizer=OptimizerConfig.choose(optimizer).build(model),
        mixture=Mixture(windows, batch_size=4, seed=0, weights={"cheap": 3, "dear": 1}),
        objective=objective or CONFIG.objective.build(LossConfig.choose("nrmse").build()),
        precision=Precision(name="float32"),
    )


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_nothing_is_left_of_what_was_timed(windows: list[Windows], optimizer: str) -> None:
    what = measured(windows, optimizer=optimizer)
    before = {name: value.clone() for name, value in what.model.state_dict().items()}
    targets = what.mixture.targets
    assert measure_pace(what, CONFIG, alone()) > 0
    for name, value in what.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in what.model.parameters())
    assert (what.mixture.step, what.mixture.targets) == (0, targets)


def test_a_step_has_the_exchange_of_gradients_in_it(windows: list[Windows]) -> None:
    class Slow(Single):
        def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
            time.sleep(0.1)

    assert measure_pace(measured(windows), CONFIG, Slow(Place(), CPU)) > 0.1


def test_stores_count_as_often_as_they_are_drawn(
    windows: list[Windows], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]
    monkeypatch.setattr(
        "matey_core.runs.pace.time", SimpleNamespace(perf_counter=lambda: sum(passed))
    )
    plain = measured(windows).objective
    seen: list[tuple[str, int]] = []

    def objective(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
        assert batch.targets is not None
        seen.append((batch.spec.dataset, batch.targets.shape[1]))
        passed.append(1.2 if batch.spec.dataset == "dear" else 0.0)
        return plain(predict, batch)

    config = CONFIG.model_copy(update={"minutes": 1.0})  # enough for what is slow twice
    pace = measure_pace(measured(windows, objective), config, alone())
    assert pace == pytest.approx(1.2 * 2 / 7)  # two of the seven batches of an epoch are slow
    assert [name for name, _ in seen[1:]] == ["cheap", "dear"] * (FEWEST // 2)
    assert {calls for _, calls in seen} == {1, 3}  # from the beginning and the end


def test_short_steps_are_measured_more_often_where_that_is_wanted(windows: list[Windows]) -> None:
    what, seen = measured(windows), []
    plain = what.objective

    def objective(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
        seen.append(batch.spec.dataset)
        return plain(predict, batch)

    config = CONFIG.model_copy(update={"minutes": 1000.0})
    for rounds in (1, 2):
        seen.clear()
        measure_pace(replace(what, objective=objective), config, alone(), rounds=rounds)
        assert seen[1:] == ["cheap", "dear"] * 8 * rounds
