"""What the profiler needs of every model: time that belongs to parts which it shows."""

from itertools import repeat

import pytest
import torch

from matey_core.losses.nrmse import nrmse
from matey_core.models import MODELS, Model
from matey_core.objectives.one_step import OneStepConfig
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.profiling import PARTS, TrainingStep, measure_step
from tests.formula import batch_of, spec_of

NAMES = MODELS.names()


def build(variant: str) -> Model:
    torch.manual_seed(0)
    return MODELS[variant].tiny().build(fields=("density", "velocity_x"), num_axes=(2,))


@pytest.mark.parametrize("variant", NAMES)
def test_every_part_that_a_module_names_is_shown(variant: str) -> None:
    named = {getattr(type(module), "profile_part", None) for module in build(variant).modules()}
    assert named - {None} <= set(PARTS)


@pytest.mark.parametrize("variant", NAMES)
def test_shares_of_a_step_add_up_to_one(variant: str) -> None:
    model = build(variant)
    step = TrainingStep(
        model=model,
        batches=repeat(batch_of(spec_of((16, 24)))),
        objective=OneStepConfig().build(nrmse),
        optimizer=AdamwConfig().build(model),
        device=torch.device("cpu"),
    )
    shares = measure_step(step, seconds=0.0).shares
    assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
    assert min(shares.values()) > 0
    assert "model" in shares  # what lies between its parts
