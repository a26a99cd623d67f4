"""The Python blocks of the documentation are complete, and their parts keep the contracts."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from matey_core import (
    augmentations,
    budgets,
    criteria,
    distributed,
    equations,
    finetuning,
    forecasts,
    kernels,
    linting,
    losses,
    metrics,
    models,
    objectives,
    optimizers,
    readers,
    schedules,
    simulators,
)
from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.registry import Registry
from matey_core.simulators._integrate import collate
from matey_core.store import open_store
from matey_core.tokenizers import TokenizerConfig, grow
from matey_core.tokens import Segments
from matey_core.workflows.rollout import RolloutConfig
from tests.formula import batch_of, spec_of
from tests.support import tiny_store
from tests.unit.linting.defects import values

EXTEND = Path(__file__).parents[2] / "docs" / "extend"
REGISTRIES: tuple[Registry[Any], ...] = (
    augmentations.AUGMENTATIONS,
    budgets.BUDGETS,
    criteria.CRITERIA,
    distributed.STRATEGIES,
    finetuning.FINETUNING,
    forecasts.FORECASTS,
    kernels.KERNELS,
    linting.CHECKS,
    losses.LOSSES,
    metrics.METRICS,
    models.MODELS,
    objectives.OBJECTIVES,
    optimizers.OPTIMIZERS,
    readers.READERS,
    schedules.SCHEDULES,
    simulators.SIMULATORS,
)


@pytest.fixture(autouse=True)
def registries_as_before() -> Iterator[None]:
    """Forget the examples' names, so that no other test meets them."""
    yield
    for registry in REGISTRIES:
        for name, part in list(registry._entries.items()):
            if part.__module__.endswith(".md"):
                del registry._entries[name]


def example(page: str) -> dict[str, Any]:
    """Run the page's one Python block, and return what it defines."""
    (block,) = re.findall(r"```python\n(.*?)```", (EXTEND / page).read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": page}
    exec(compile(block, page, "exec"), names)
    return names


def test_criterion() -> None:
    example("criterion.md")
    values = torch.zeros(1, 2, 1, 4, 4)
    values[0, 1, 0, 3, 3] = 5
    history = criteria.History(values=values, std=torch.ones(1, 1))
    assert criteria.CRITERIA["range"](history, (2, 2)).tolist() == [[[0, 0], [0, 5]]]


def test_budget() -> None:
    example("budget.md")
    section = {"patch": [16, 8, 4], "budget": {"name": "roots", "roots": 3}}
    config = TokenizerConfig.model_validate(section)
    tree = grow(config, torch.rand(2, 2, 1, 64, 64), periodic=(True, True))
    assert tree.counts().tolist() == [[13, 0, 48], [13, 0, 48]]


def test_augmentation() -> None:
    example("augmentation.md")
    grid = Grid(axes=("x",), shape=(4,), spacing=(1.0,), boundary=("periodic",))
    fields = (Field(name="velocity_x", component=("x",)), Field(name="pressure"))
    history = torch.arange(48.0).reshape(2, 3, 2, 4)
    batch = FieldBatch(
        spec=FieldSpec(fields=fields, grid=grid, time_step=1.0),
        history=history,
        lead_steps=torch.ones(2, 1, dtype=torch.long),
        targets=history[:, :1],
    )
    offset = augmentations.AUGMENTATIONS["offset"](strength=2.0).build()
    after = offset(batch, [3, 4])
    shift = after.history - history
    assert (shift[:, :, 0] == 0).all()
    spread = history[:, :, 1].flatten(1).std(1)
    expected = [
        random.Random(seed).uniform(-2, 2) * float(s)
        for seed, s in zip((3, 4), spread, strict=True)
    ]
    torch.testing.assert_close(shift[:, :, 1], torch.tensor(expected).view(2, 1, 1).expand(2, 3, 4))
    assert after.targets is not None
    assert torch.equal(after.targets, after.history[:, :1])
    torch.testing.assert_close(offset(batch.select(slice(1, 2)), [4]).history, after.history[1:])


def test_command() -> None:
    foresee = example("command.md")["foresee"]
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(foresee)
    text = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=200).output.split())
    assert f"[default: {RolloutConfig().steps}]" in text
    assert "--few INTEGER Take only so many trajectories. [default: all]" in text
    assert (
        "--split [train|validation|test] Split whose trajectories are predicted. [default: test]"
        in text
    )


def test_metric() -> None:
    example("metric.md")
    target = torch.tensor([1.0, -4.0, 2.0]).view(1, 1, 1, 3)
    assert metrics.METRICS["largest_error"](target + 1, target).item() == 0.25
    assert metrics.METRICS["largest_error"](target * 0, target * 0).item() == 0
    valid = torch.tensor([True, False, True]).view(1, 1, 1, 3)
    assert metrics.METRICS["largest_error"](target + 1, target, valid).item() == 0.5
    assert metrics.METRICS["largest_error"](target, target, ~valid & valid).isnan().all()


def test_loss() -> None:
    example("loss.md")
    batch, prediction = three_off()
    loss = losses.LOSSES["absolute"](unit=2.0).build()
    total = loss(prediction, batch).total
    assert total.item() == pytest.approx(3 / (2 * (4 / 3) ** 0.5))
    assert batch.targets is not None
    positive = batch.history > 0
    masked = replace(batch, valid=positive, targets=batch.targets.where(positive, 99.0))
    assert loss(prediction, masked).total == total


def test_forecast() -> None:
    example("forecast.md")
    batch, _ = three_off()
    history = torch.cat([batch.history - 2, batch.history], dim=1)
    leads = torch.tensor([[1, 2]])
    forecaster = forecasts.FORECASTS["fading"](fraction=0.5).build()
    values = forecaster(replace(batch, history=history, lead_steps=leads)).values
    assert (values - batch.history)[0, :, 0, 0].tolist() == [1, 1.5]
    assert torch.equal(forecaster(batch).values, batch.history)


def test_equation() -> None:
    """A soliton 3c cosh⁻²(√c (x − ct) / 2δ), two frames of it."""
    example("equation.md")
    x, delta, speed, interval = torch.arange(128, dtype=torch.float64) / 8 - 8, 0.5, 0.7, 0.1
    grid = Grid(axes=("x",), shape=(128,), spacing=(0.125,), boundary=("periodic",))
    spec = FieldSpec(fields=(Field(name="elevation"),), grid=grid, time_step=interval)
    wave = [
        3 * speed / torch.cosh(speed**0.5 * (x - speed * time) / (2 * delta)) ** 2
        for time in (0, interval)
    ]
    before, after = (each[None, None] for each in wave)
    found = equations.known_equation(spec, {"delta": x.new_full((1,), delta)})
    rest = equations.imbalance(found, before, after, x.new_full((1, 1, 1), interval))
    assert rest.abs().max() < 2e-3 * (after - before).abs().max()
    del equations.EQUATIONS._entries["korteweg_de_vries"]


def test_objective() -> None:
    example("objective.md")
    batch, _ = three_off()
    objective = objectives.OBJECTIVES["both_signs"]().build(losses.LOSSES["nrmse"]().build())

    def predict(each: FieldBatch) -> Prediction:
        """One too much, whatever the sign."""
        side = each.history.sum() + 5
        return Prediction(
            spec=each.spec, values=each.history + 1, lead_steps=each.lead_steps, side_loss=side
        )

    value = objective(predict, batch)
    assert value.loss.total.item() == pytest.approx(1, abs=1e-5)
    assert value.total.item() == pytest.approx(1 + 5, abs=1e-5)
    assert torch.equal(value.prediction.values, batch.history + 1)


def test_optimizer() -> None:
    example("optimizer.md")
    layer = torch.nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    config = optimizers.OPTIMIZERS["sgd"](learning_rate=0.5, momentum=0.0)
    optimizer = config.build(layer, rate_of=lambda name: 0.5 if name == "weight" else 1.0)
    layer.weight.grad = torch.ones_like(layer.weight)
    optimizers.set_rate(optimizer, 0.1)
    optimizer.step()
    torch.testing.assert_close(layer.weight, before - 0.5 * 0.5 * 0.1)


def test_schedule() -> None:
    example("schedule.md")
    schedule = schedules.SCHEDULES["cooldown"](cooldown=0.5).build(8)
    assert [schedule(step) for step in (0, 4, 6, 7)] == [1, 1, 0.5, 0.25]


def test_strategy() -> None:
    example("strategy.md")
    config = distributed.STRATEGIES["rounded"](format="bfloat16")
    strategy = config.build(distributed.Place(), torch.device("cpu"))
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([1 + 2**-7, 1 + 2**-9])
    strategy.all_reduce_gradients([weight])
    strategy.close()
    assert weight.grad.tolist() == [1 + 2**-7, 1]


def three_off() -> tuple[FieldBatch, Prediction]:
    """A batch whose target is its history, and a prediction that is 3 too much."""
    grid = Grid(axes=("x",), shape=(4,), spacing=(1.0,), boundary=("periodic",))
    spec = FieldSpec(fields=(Field(name="u"),), grid=grid, time_step=1.0)
    history = torch.tensor([1.0, -1.0, 1.0, -1.0]).view(1, 1, 1, 4)
    leads = torch.ones(1, 1, dtype=torch.long)
    batch = FieldBatch(spec=spec, history=history, lead_steps=leads, targets=history)
    return batch, Prediction(spec=spec, values=history + 3, lead_steps=leads)


def test_kernel() -> None:
    example("kernel.md")
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 9, 2, 4, generator=generator)
    for segments in (Segments((4, 2, 3)), Segments((0, 9)), Segments.same(3, 3)):
        expected = kernels.KERNELS["math"](q, k, v, segments)
        torch.testing.assert_close(kernels.KERNELS["double"](q, k, v, segments), expected)
    assert kernels.KERNELS["double"](q[:0], k[:0], v[:0], Segments(())).shape == (0, 2, 4)


def test_simulator() -> None:
    """A small wave grows as linear theory says: c_t = (k² − ε²k⁴) c."""
    example("simulator.md")
    solver = simulators.SIMULATORS["cahn_hilliard"](grid=16, frames=2, width=0.1).build()
    x = 2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16
    wave = 1e-4 * torch.cos(x).expand(1, 16, 16)
    drawn = solver.sample(np.random.RandomState(0))
    assert drawn.parameters == {"width": 0.1}
    problems = collate([replace(drawn, state=wave)], torch.float64, "cpu")
    *_, last = solver.frames(problems)
    squares = 4 * np.pi**2
    # Implicit and explicit parts of 40 steps of 0.00025.
    dt = 2.5e-4
    growth = ((1 + dt * 3 * squares) / (1 + dt * (2 * squares + 0.01 * squares**2))) ** 40
    assert (last / wave)[0, 0, 0, 0].item() == pytest.approx(growth, rel=1e-6)
    assert growth == pytest.approx(np.exp(0.01 * (squares - 0.01 * squares**2)), rel=0.01)


def test_reader(tmp_path: Path) -> None:
    example("reader.md")
    states = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.save(tmp_path / "b.npy", states)
    np.save(tmp_path / "a.npy", states + 100)
    reader = readers.READERS["numpy_folder"]()
    (path,) = reader.find(tmp_path)
    source = reader.open(path)
    assert source.header.sample_names == ("a", "b")
    np.testing.assert_array_equal(source.read(1, 1, 3)[:, 0], states[1:3])


def test_check(tmp_path: Path) -> None:
    example("check.md")
    path = tiny_store(tmp_path)
    assert linting.lint_store(open_store(path)) == ()
    for sample in (2, 5):
        values(path, "velocity_x", sample)[0] = 0
    (found,) = linting.lint_store(open_store(path), checks=["at_rest"])
    assert (found.check, found.field, found.sample) == ("at_rest", "velocity_x", "2")
    assert (found.severity, found.count) == ("note", 2)


def test_finetuning_mode() -> None:
    example("finetuning.md")
    from tests.formula import batch_of, spec_of, tiny_model

    model, plain = tiny_model(), tiny_model()
    batch = batch_of(spec_of((16, 8)))
    before = model(batch).values.detach()
    mode = finetuning.FinetuneModeConfig.choose("factors")
    mode.prepare(model)
    torch.testing.assert_close(model(batch).values, before, rtol=0, atol=0)
    trained = [p for p in model.parameters() if p.requires_grad]
    assert {p.ndim for p in trained} == {1}
    model(batch).values.square().mean().backward()
    torch.optim.SGD(trained, lr=100.0).step()
    weights = mode.merged(model)
    assert weights is not None
    plain.load_state_dict(weights)
    torch.testing.assert_close(plain(batch).values, model(batch).values, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(plain(batch).values, before, rtol=1e-2)


@pytest.mark.parametrize("shape", [(16,), (12, 16), (8, 6, 10)])
def test_model(shape: tuple[int, ...]) -> None:
    example("model.md")
    model = models.MODELS["smoother"].tiny().build(fields=("density",), num_axes=(len(shape),))
    batch = batch_of(spec_of(shape, fields=1), leads=2)
    expected = model(batch).values
    assert expected.shape == (3, 2, 1, *shape)
    model.extend(fields=("velocity_x",), num_axes=())
    torch.testing.assert_close(model(batch).values, expected)
    assert model(batch_of(spec_of(shape))).values.isfinite().all()
    with pytest.raises(ConfigError, match="pressure"):
        model(batch_of(spec_of(shape, fields=3)))
    shift = tuple(range(1, len(shape) + 1))
    turned = replace(batch, history=batch.history.roll(shift, tuple(range(3, batch.history.ndim))))
    rolled = expected.roll(shift, tuple(range(3, expected.ndim)))
    torch.testing.assert_close(model(turned).values, rolled, rtol=1e-4, atol=1e-4)
