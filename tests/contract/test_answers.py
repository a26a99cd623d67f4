"""What every model promises of answers, which objectives ask it for beside fields."""

from pathlib import Path

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.catalog.model import read_model
from matey_core.fields import answer_name
from matey_core.models import MODELS, AdaptiveConfig, Model, load_model, save_model
from matey_core.objectives._answers import ask
from matey_core.store.layout import is_field_name
from tests.formula import batch_of, spec_of

NAMES = MODELS.names()
PLAIN = [name for name in NAMES if not issubclass(MODELS[name], AdaptiveConfig)]
"""The others choose cells by all that a batch has."""
FIELDS = ("density", "velocity_x")
ANSWERS = (answer_name("nu"), answer_name("order"))


def build(variant: str) -> Model:
    torch.manual_seed(0)
    model = MODELS[variant].tiny().build(fields=(*FIELDS, *ANSWERS), num_axes=(2,))
    return model.eval()


def batch(frames: int = 4) -> FieldBatch:
    return batch_of(spec_of((16, 24)), samples=2, frames=frames)


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 4])
@pytest.mark.parametrize("variant", PLAIN)
def test_answers_are_of_order_one_and_not_shown(variant: str, frames: int) -> None:
    model, asked = build(variant), batch(frames)
    said = ask(model, asked, ANSWERS)
    assert said.answers.shape == (2, 2, 16, 24)
    assert said.answers.abs().max() < 1
    without = model(asked).values
    torch.testing.assert_close(said.prediction.values[:, :, :2], without, rtol=1e-4, atol=1e-4)
    for name in ANSWERS:  # the head's own rows: one more is one more of its answer
        model.get_parameter("table.bias")[model.fields.index(name), 0] += 1
    more = ask(model, asked, ANSWERS).answers - said.answers
    torch.testing.assert_close(more, torch.ones_like(more), rtol=1e-3, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("variant", NAMES)
def test_a_model_that_is_loaded_knows_no_answers(variant: str, tmp_path: Path) -> None:
    model = build(variant)
    expected = model(batch()).values
    save_model(model, tmp_path)
    assert load_model(tmp_path, with_answers=True).fields == (*FIELDS, *ANSWERS)
    loaded = load_model(tmp_path).eval()
    assert loaded.fields == read_model(tmp_path).fields == FIELDS
    assert torch.equal(loaded(batch()).values, expected)


def test_no_field_of_a_store_has_the_name_of_an_answer() -> None:
    assert not any(map(is_field_name, ANSWERS))
