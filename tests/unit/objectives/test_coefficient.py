"""Parameters as answers: their scales, those that are absent, and that no model is given them."""

import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import GivenScale
from matey_core.losses.relative_mse import relative_mse
from matey_core.objectives import Objective
from matey_core.objectives.coefficient import CoefficientConfig
from tests.formula import batch_of, spec_of
from tests.unit.objectives.test_tiles import told

NU = torch.tensor([0.1, 0.4, 1.6, 0.4])
SPEED = torch.tensor([-1.0, 2.0, 5.0, 2.0])
LOGS = NU.log()
SCALES = {
    "nu": GivenScale(center=float(LOGS.mean()), spread=float(LOGS.std(correction=0)), is_log=True),
    "speed": GivenScale(center=2.0, spread=float(SPEED.std(correction=0))),
}


def loss_of(given: dict[str, torch.Tensor], answers: torch.Tensor) -> float:
    batch = batch_of(spec_of((6, 6)), samples=4)
    batch = FieldBatch(
        spec=batch.spec, history=batch.history, lead_steps=batch.lead_steps, given=given
    )
    objective: Objective = (
        CoefficientConfig().knowing(("nu", "speed")).build_with(relative_mse, SCALES)
    )

    def says(each: FieldBatch) -> Prediction:
        assert all(each.given[name].isnan().all() for name in given)
        return told(each, answers.view(4, 2, 1, 1).expand(-1, -1, 6, 6))

    return objective(says, batch).total.item()


def test_who_knows_them_has_no_loss_and_the_best_constant_has_1() -> None:
    known = torch.stack(
        [
            (LOGS - SCALES["nu"].center) / SCALES["nu"].spread,
            (SPEED - 2) / SCALES["speed"].spread,
        ],
        1,
    )
    both = {"nu": NU, "speed": SPEED}
    assert loss_of(both, known) < 1e-9
    assert abs(loss_of(both, torch.zeros(4, 2)) - 1) < 1e-5
    assert abs(loss_of({"nu": NU}, torch.zeros(4, 2)) - 1) < 1e-5
    wrong = known + torch.tensor([0.0, 3.0])
    assert abs(loss_of(both, wrong) - 4.5) < 1e-4
    assert loss_of({"nu": NU}, wrong) < 1e-9  # a store without a speed
    absent = SPEED.where(torch.tensor([True, False, False, False]), torch.nan)
    assert abs(loss_of({"nu": NU, "speed": absent}, wrong) - 9 / 8) < 1e-4


def test_those_that_are_named_are_asked_for_alone() -> None:
    config = CoefficientConfig(parameters=("speed",)).knowing(("nu", "speed"))
    assert config.reads == ("speed",)
    assert config.answers == ("_answer:coefficient_speed",)
