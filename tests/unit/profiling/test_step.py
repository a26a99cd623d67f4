"""A step is timed in the arithmetic that training uses."""

from itertools import repeat

import torch

from matey_core.batches import FieldBatch
from matey_core.losses.nrmse import nrmse
from matey_core.objectives import ObjectiveValue, Predict
from matey_core.objectives.one_step import OneStepConfig
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.profiling import TrainingStep, alternate, measure_step
from matey_core.rounding import subnormals_as_zero
from tests.formula import batch_of, spec_of, tiny_model

CPU = torch.device("cpu")
ONE_STEP = OneStepConfig().build(nrmse)


def has_subnormals() -> bool:
    return bool((torch.full((1,), 1e-39) * 0.5 != 0).item())


def watched_step(found: list[bool]) -> TrainingStep:
    """A step that notes whether it computes with subnormal numbers."""

    def objective(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
        found.append(has_subnormals())
        return ONE_STEP(predict, batch)

    model = tiny_model()
    return TrainingStep(
        model=model,
        batches=repeat(batch_of(spec_of((16, 16)))),
        objective=objective,
        optimizer=AdamwConfig().build(model),
        device=CPU,
    )


def test_timed_steps_take_subnormals_for_zero_as_training_does() -> None:
    found: list[bool] = []
    step = watched_step(found)
    measure_step(step, seconds=0.0)
    alternate([step.run], CPU, rounds=1)
    assert len(found) == 1 + 3 + 3 + 2
    assert not any(found)
    assert has_subnormals()


def test_subnormals_are_what_they_were_after_a_block_within_another() -> None:
    with subnormals_as_zero():
        with subnormals_as_zero():
            assert not has_subnormals()
        assert not has_subnormals()
    assert has_subnormals()
