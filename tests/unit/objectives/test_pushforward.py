"""Several calls of the model: which targets, which loss, which gradient."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import DataError, Interrupted
from matey_core.losses import Loss
from matey_core.losses.change import ChangeConfig
from matey_core.losses.nrmse import nrmse
from matey_core.models import load_model
from matey_core.objectives.one_step import OneStepConfig
from matey_core.objectives.pushforward import PushforwardConfig
from matey_core.progress import Progress
from matey_core.workflows.pretrain import pretrain, resume
from tests.formula import batch_of, spec_of
from tests.support import tiny_store
from tests.training import events, pretrain_config, tiny_model

ALWAYS = {"grow_from": 0.0, "grow_until": 0.0}
A, X, LEAD = 0.5, 2.0, 3
"""Factor of the toy model, its last known frame, and the lead time of the last call."""


class Growth(nn.Module):
    """a^l · u with u the last frame and l the lead time: linear, and exact to write down."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(A, dtype=torch.float64))

    def forward(self, batch: FieldBatch) -> Prediction:
        steps = batch.lead_steps.view(-1, 1, 1, 1)
        values = self.factor**steps * batch.history[:, -1:]
        return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)


def value(prediction: Prediction, batch: FieldBatch) -> Loss:
    """The mean of what is predicted, so that its slope is that of the prediction."""
    return Loss(total=prediction.values.mean(), parts={"twice": 2 * prediction.values.mean()})


def window(config: PushforwardConfig, progress: float = 1.0) -> FieldBatch:
    """A window whose last frame is X, with the targets that the objective asks for."""
    leads = config.lead_steps(LEAD, progress=progress)
    batch = batch_of(spec_of((4,), fields=1), samples=1, leads=len(leads))
    history = torch.full_like(batch.history, X).double()
    return replace(batch, history=history, lead_steps=torch.tensor([leads]))


@pytest.mark.parametrize(
    ("gradient", "frames", "expected", "slope"),
    [
        ("last", "last", A**5 * X, LEAD * A**2 * (A**2 * X)),
        ("all", "last", A**5 * X, 5 * A**4 * X),
        ("last", "each", (A + A**2 + A**5) * X / 3, (1 + A + LEAD * A**4) * X / 3),
        ("all", "each", (A + A**2 + A**5) * X / 3, (1 + 2 * A + 5 * A**4) * X / 3),
    ],
)
def test_loss_and_gradient_are_those_of_three_calls(
    gradient: str, frames: str, expected: float, slope: float
) -> None:
    settings = {"horizon": 3, "gradient": gradient, "frames": frames}
    config = PushforwardConfig(**settings, **ALWAYS)  # type: ignore[arg-type]
    model = Growth()
    found = config.build(value)(model, window(config))
    found.total.backward()
    assert found.total.item() == pytest.approx(expected, rel=1e-12)
    assert found.loss.total.item() == found.total.item()
    assert found.loss.parts["twice"].item() == pytest.approx(2 * expected, rel=1e-12)
    assert found.prediction.values.flatten()[0].item() == pytest.approx(A**5 * X, rel=1e-12)
    assert model.factor.grad is not None
    assert model.factor.grad.item() == pytest.approx(slope, rel=1e-12)


def test_calls_become_more_while_training() -> None:
    config = PushforwardConfig(horizon=4, grow_from=0.2, grow_until=0.8)
    found = [
        config.lead_steps(LEAD, progress=progress)
        for progress in (0.0, 0.19, 0.39, 0.41, 0.59, 0.61, 0.79, 0.8, 1.0)
    ]
    assert [len(leads) for leads in found] == [1, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found[0] == (LEAD,)
    assert found[5] == (1, 2, 2 + LEAD)
    assert config.extra_frames == 3
    with pytest.raises(ValueError, match="grow_from should be at most grow_until"):
        PushforwardConfig(grow_from=0.9)


def test_one_call_is_one_step_bit_for_bit() -> None:
    model = tiny_model().build(fields=("density", "velocity_x"), num_axes=(2,)).eval()
    batch = batch_of(spec_of((16, 16)))
    expected = OneStepConfig().build(nrmse)(model, batch)
    found = PushforwardConfig(horizon=5).build(nrmse)(model, batch)
    assert torch.equal(found.total, expected.total)
    assert torch.equal(found.prediction.values, expected.prediction.values)


def test_every_call_sees_the_frames_before_it_and_nothing_in_unknown_cells() -> None:
    config = PushforwardConfig(horizon=3, **ALWAYS)
    batch = window(config)
    assert batch.targets is not None
    targets = torch.full_like(batch.targets, 0.25).double()
    valid = torch.ones_like(targets, dtype=torch.bool)
    valid[0, 0, 0, 1] = False
    batch = replace(batch, targets=targets, valid=valid)
    seen: list[Tensor] = []

    def predict(each: FieldBatch) -> Prediction:
        seen.append(each.history[0, :, 0].clone())
        assert each.lead_steps.tolist() == [[LEAD]] if len(seen) == 3 else [[1]]
        assert each.targets is not None
        assert each.targets.shape[1] == 1
        values = torch.full_like(each.history[:, -1:], 10.0 * len(seen))
        return Prediction(spec=each.spec, values=values, lead_steps=each.lead_steps)

    config.build(value)(predict, batch)
    known, hole = [[frames[:, cell].tolist() for frames in seen] for cell in (0, 1)]
    assert known == [[X, X, X], [X, X, 10], [X, 10, 20]]
    assert hole == [[X, X, X], [X, X, 0.25], [X, 0.25, 20]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tiny_store(tmp_path / "data", name="flow_periodic")
    tiny_store(tmp_path / "data", name="short_periodic", frames=4)
    return tmp_path


def test_a_run_resumes_bit_for_bit_where_calls_have_become_more(project: Path) -> None:
    settings = {
        "steps": 9,
        "validate_every": 3,
        "model": tiny_model(drop_path=0.2),
        "objective": PushforwardConfig(horizon=3, gradient="all", grow_from=0.0, grow_until=0.5),
        "loss": ChangeConfig(),
    }
    whole = pretrain(pretrain_config(project, name="whole", **settings))
    assert "short_periodic is left out: a history and its targets need 5 frames, it has 4." in (
        whole.start.notes
    )
    with pytest.raises(Interrupted, match="step-00000003 is kept"):
        pretrain(pretrain_config(project, name="cut", **settings), stop_at(5))
    rest = resume(project / "runs", "cut")
    assert events(rest.run, "step") == events(whole.run, "step")
    expected = load_model(whole.run / "checkpoints/step-00000009/model").state_dict()
    found = load_model(rest.run / "checkpoints/step-00000009/model").state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())

    once = PushforwardConfig(horizon=3, grow_from=1.0, grow_until=1.0)
    alone = pretrain(pretrain_config(project, name="once", **settings | {"objective": once}))
    losses = [[row["loss"] for row in events(run, "step")] for run in (whole.run, alone.run)]
    assert losses[0][:3] == losses[1][:3]
    assert losses[0][3] != losses[1][3]


def stop_at(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            raise KeyboardInterrupt

    return on_progress


def test_trajectories_that_are_all_too_short_are_an_error(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", frames=4)
    config = pretrain_config(tmp_path, objective=PushforwardConfig(horizon=3, grow_from=0.0))
    with pytest.raises(DataError, match="No store can be trained on"):
        pretrain(config)
