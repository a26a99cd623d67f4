"""One optimizer step a batch, unless the loss is not finite."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.distributed import Place, Strategy
from matey_core.distributed.single import Single
from matey_core.errors import RunError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.losses.relative_mse import relative_mse
from matey_core.models import Model, ModelConfig
from matey_core.objectives.one_step import OneStepConfig
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.schedules.warmup_cosine import WarmupCosine
from matey_core.training import (
    DivergenceError,
    Limits,
    Precision,
    StepReport,
    TrainState,
    train,
)

SPEC = FieldSpec(
    fields=(Field(name="u"),),
    grid=Grid(axes=("x",), shape=(8,), spacing=(1.0,), boundary=("periodic",)),
    time_step=1.0,
    dataset="bursts",
)


class Amplifier(Model):
    """Multiplies the last frame by one learned number, which starts at 0.5."""

    def __init__(self) -> None:
        super().__init__(ModelConfig.standard(), ("u",), (1,))
        self.factor = nn.Parameter(torch.tensor([[0.5]]))

    def forward(self, batch: FieldBatch) -> Prediction:
        values = self.factor.squeeze() * batch.history[:, -1:]
        return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)

    def count_tokens(self, batch: FieldBatch) -> Tensor:
        return torch.ones(batch.size, dtype=torch.long)

    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        raise NotImplementedError

    def part_of(self, parameter: str) -> Literal["attention"]:
        return "attention"


def batch(scale: float = 1.0) -> FieldBatch:
    history = torch.linspace(1, 2, 16).reshape(2, 1, 1, 8)
    leads = torch.ones(2, 1, dtype=torch.long)
    return FieldBatch(spec=SPEC, history=history, lead_steps=leads, targets=scale * history)


@pytest.fixture
def state() -> TrainState:
    model = Amplifier()
    return TrainState(
        model=model,
        optimizer=AdamwConfig(learning_rate=0.1, weight_decay=0.0).build(model),
        schedule=WarmupCosine(warmup=0, steps=100),
    )


@pytest.fixture
def strategy() -> Strategy:
    return Single(Place(), torch.device("cpu"))


Run = Callable[..., list[StepReport]]


@pytest.fixture
def run(state: TrainState, strategy: Strategy) -> Run:
    def train_on(*batches: FieldBatch, gradient_norm: float = 1.0) -> list[StepReport]:
        reports: list[StepReport] = []
        train(
            state,
            batches,
            OneStepConfig().build(relative_mse),
            strategy=strategy,
            precision=Precision(name="float32"),
            limits=Limits(gradient_norm=gradient_norm, skipped_in_a_row=2, skipped_of_store=3),
            after_step=lambda *_: None,
            record=reports.append,
        )
        return reports

    return train_on


def test_steps_lower_the_loss(run: Run) -> None:
    reports = run(*[batch()] * 4)
    losses = [float(report.loss) for report in reports]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(0.25, rel=1e-5)


def test_a_loss_that_is_not_finite_changes_nothing_but_the_counts(
    run: Run, state: TrainState
) -> None:
    run(batch())
    weight = state.model.get_parameter("factor").detach().clone()
    moments = {
        key: value.clone()
        for key, value in state.optimizer.state[state.model.get_parameter("factor")].items()
    }
    (report,) = run(batch(float("nan")))
    assert report.is_skipped
    assert (state.step, state.skipped, state.skipped_in_a_row) == (2, 1, 1)
    assert torch.equal(state.model.get_parameter("factor"), weight)
    for key, value in state.optimizer.state[state.model.get_parameter("factor")].items():
        assert torch.equal(value, moments[key])
    run(batch())
    assert (state.skipped, state.skipped_in_a_row) == (1, 0)
    assert not torch.equal(state.model.get_parameter("factor"), weight)


class Counting(Single):
    """Counts how often processes average their gradients."""

    averages = 0

    def all_reduce_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        self.averages += 1


@pytest.mark.parametrize("accumulate", [1, 2])
def test_micro_batches_are_averaged_before_the_processes_are(
    state: TrainState, accumulate: int
) -> None:
    strategy = Counting(Place(), torch.device("cpu"))
    halves = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
    reports: list[StepReport] = []
    train(
        state,
        [replace(batch(), targets=halves * batch().history)] * 3,
        OneStepConfig().build(relative_mse),
        strategy=strategy,
        precision=Precision(name="float32"),
        limits=Limits(gradient_norm=1e9),
        after_step=lambda *_: None,
        record=reports.append,
        accumulate=accumulate,
    )
    assert strategy.averages == 3
    # (0.5 - 1)² and (0.5 - 3)² / 3², of which the gradients are 2 (0.5 - 1) and 2 (0.5 - 3) / 9
    assert float(reports[0].loss) == pytest.approx((0.25 + 6.25 / 9) / 2, rel=1e-5)
    assert float(reports[0].gradient_norm) == pytest.approx((1 + 5 / 9) / 2, rel=1e-5)


def test_a_skipped_step_is_logged(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run(batch(), batch(float("nan")))
    (line,) = [record.getMessage() for record in caplog.records if record.name == "matey.training"]
    assert line.startswith("step 2 on bursts is skipped: loss nan")


def test_too_many_in_a_row_end_the_run_and_name_the_store(run: Run, state: TrainState) -> None:
    with pytest.raises(RunError, match="3 steps in a row, the last one step 3 on bursts"):
        run(*[batch(float("inf"))] * 9)
    assert state.model.get_parameter("factor").item() == 0.5


def test_waiting_for_a_batch_is_told_apart_from_the_step(
    state: TrainState, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[StepReport] = []
    passed = [0.0]
    clock = SimpleNamespace(perf_counter=lambda: sum(passed))
    monkeypatch.setattr("matey_core.training.loop.time", clock)

    def slow() -> Iterator[FieldBatch]:
        yield batch()
        passed.append(1.0)
        yield batch()

    def after_step(state: TrainState, *_: object) -> None:
        if state.step == 1:
            passed.append(10.0)  # saving is no part of a step

    train(
        state,
        slow(),
        OneStepConfig().build(relative_mse),
        strategy=strategy,
        precision=Precision(name="float32"),
        limits=Limits(gradient_norm=1.0),
        after_step=after_step,
        record=reports.append,
    )
    assert [(each.waiting_seconds, each.seconds) for each in reports] == [(0, 0), (1, 1)]


def test_long_gradients_are_shortened(run: Run, state: TrainState) -> None:
    seen: list[float] = []
    state.optimizer.register_step_pre_hook(
        lambda *_: seen.append(float(state.model.get_parameter("factor").grad.norm()))
    )
    (report,) = run(batch(), gradient_norm=1e-3)
    assert float(report.gradient_norm) == pytest.approx(1.0, rel=1e-5)  # d(f − 1)²/df at ½
    assert seen == pytest.approx([1e-3], rel=1e-3)


def broken_store(scale: float = float("inf")) -> FieldBatch:
    return replace(batch(scale), spec=replace(SPEC, dataset="broken"))


def test_a_store_whose_steps_are_all_skipped_ends_the_run_and_is_named(run: Run) -> None:
    with pytest.raises(RunError, match="None of 3 steps on broken had") as caught:
        run(*[batch(), broken_store()] * 9)
    assert not isinstance(caught.value, DivergenceError)
    assert "--weights broken=0" in caught.value.remedy


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([broken_store()] * 2, "None of 2 steps on broken had.*not trained"),
        ([batch(float("nan")), broken_store()], "None of 2 steps on bursts and broken had"),
        ([broken_store(), batch()], "None of 1 step on broken had.*trains nothing"),
    ],
)
def test_a_short_training_that_trained_nothing_ends_with_an_error(
    run: Run, batches: list[FieldBatch], said: str
) -> None:
    with pytest.raises(RunError, match=said) as caught:
        run(*batches)
    assert caught.value.exit_code == 1


def test_steps_before_a_resume_count_at_the_end(run: Run, state: TrainState) -> None:
    state.step = 5
    run(batch(), broken_store())
    state.step = state.skipped = 5
    with pytest.raises(RunError, match="None of 5 steps had"):
        run()


def test_a_store_is_not_to_blame_for_a_model_that_has_diverged(run: Run) -> None:
    with pytest.raises(DivergenceError, match="3 steps in a row"):
        run(batch(), *[broken_store()] * 9)


def test_a_store_that_was_used_once_may_be_skipped(run: Run) -> None:
    reports = run(broken_store(1.0), *[batch(), broken_store()] * 6)
    assert sum(report.is_skipped for report in reports) == 6


def test_rates_are_halved_after_a_rollback(run: Run, state: TrainState) -> None:
    (before,) = run(batch())
    state.step, state.rollbacks = 0, 2
    (after,) = run(batch())
    assert after.learning_rate == before.learning_rate / 4
