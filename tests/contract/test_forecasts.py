"""What holds for every forecast that needs no training."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.forecasts import FORECASTS, Forecaster
from tests.unit.forecasts.stencils import batch_of, march, smooth, upwind

SHAPES = [(20,), (10, 12), (6, 7, 8)]

pytestmark = pytest.mark.parametrize("name", FORECASTS.names())


def build(name: str) -> Forecaster:
    return FORECASTS[name]().build()


def example(shape: tuple[int, ...], frames: int = 4) -> FieldBatch:
    """Three samples and two fields, far from linear."""
    states = march(smooth(shape, samples=3), upwind, frames)
    return batch_of(states + 0.3 * states**2, (1, 2, 5))


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("shape", SHAPES)
def test_predicts_every_lead_of_any_history(name: str, shape: tuple[int, ...], frames: int) -> None:
    batch = example(shape, frames)
    prediction = build(name)(batch)
    assert prediction.spec is batch.spec
    assert torch.equal(prediction.lead_steps, batch.lead_steps)
    assert prediction.values.shape == (3, 3, 2, *shape)
    assert prediction.values.dtype == batch.history.dtype
    assert prediction.values.isfinite().all()


def test_leads_are_states_one_after_another_and_may_differ_between_samples(name: str) -> None:
    batch = replace(example((10, 12)), lead_steps=torch.tensor([[3, 1], [1, 2], [2, 2]]))
    states = list(islice(build(name).states(batch), 3))
    values = build(name)(batch).values
    for sample, leads in enumerate(batch.lead_steps.tolist()):
        for index, lead in enumerate(leads):
            assert torch.equal(values[sample, index], states[lead - 1][sample])


def test_a_sample_alone_is_predicted_as_in_its_batch(name: str) -> None:
    batch = example((10, 12))
    whole = build(name)(batch).values
    for sample in range(3):
        alone = build(name)(batch.select(slice(sample, sample + 1))).values
        torch.testing.assert_close(alone[0], whole[sample], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("unit", [1e20, 1e-20])
def test_units_do_not_matter(name: str, unit: float) -> None:
    batch = example((10, 12))
    scaled = build(name)(replace(batch, history=batch.history * unit)).values / unit
    torch.testing.assert_close(scaled, build(name)(batch).values, rtol=1e-4, atol=1e-5)


def test_the_order_of_fields_does_not_matter(name: str) -> None:
    batch = example((10, 12))
    spec = replace(batch.spec, fields=batch.spec.fields[::-1])
    turned = replace(batch, spec=spec, history=batch.history.flip(2))
    values = build(name)(turned).values.flip(2)
    torch.testing.assert_close(values, build(name)(batch).values, rtol=1e-5, atol=1e-6)


def test_what_missing_cells_hold_changes_nothing_elsewhere(name: str) -> None:
    batch = example((10, 12))
    known = torch.ones(3, 3, 2, 10, 12, dtype=torch.bool)
    known[:, :, :, 2:4, 5:8] = False
    masked = replace(batch, valid=known)
    other = replace(masked, history=batch.history.masked_fill(~known[:, :1], 1e6))
    expected, found = build(name)(masked).values, build(name)(other).values
    assert torch.equal(found[known], expected[known])


def test_settings_are_read_by_name_and_written(name: str) -> None:
    config = FORECASTS[name]()
    assert config.name == name
    assert FORECASTS[name].choose(config.model_dump(mode="json", exclude_none=True)) == config
