"""Parameters are counted by parts that the model has."""

import pytest

from matey_core.finetuning import FinetuneModeConfig, count_parameters
from matey_core.models import ModelConfig
from matey_core.models.matey import MateyConfig
from matey_core.models.pyramid import PyramidConfig
from matey_core.models.unet import UnetConfig


@pytest.mark.parametrize(
    ("config", "body"),
    [
        (MateyConfig.tiny(), "attention"),
        (UnetConfig.tiny(), "blocks"),
        (PyramidConfig.tiny().model_copy(update={"depth": 0}), "lead time"),
    ],
    ids=["matey", "unet", "pyramid without tokens"],
)
def test_the_body_is_called_what_it_is(config: ModelConfig, body: str) -> None:
    counts = count_parameters(config.build(fields=("u",), num_axes=(2,)))
    assert set(counts.trained) == {"stem", "head", "fields", body}


@pytest.mark.parametrize("depth", [0, 1])
def test_freezing_next_to_nothing_is_said(depth: int) -> None:
    config = PyramidConfig.tiny().model_copy(update={"depth": depth})
    model = config.build(fields=("u",), num_axes=(2,))
    mode = FinetuneModeConfig.choose("frozen_attention")
    mode.prepare(model)
    counts = count_parameters(model)
    total = counts.num_frozen + counts.num_trained
    said = mode.note(model)
    assert (f"keeps {counts.num_frozen:,} of {total:,} weights (" in said) == (depth == 0)
    assert (f"up to {total - counts.trained['head']:,}" in said) == (depth == 0)
    assert bool(said) == (depth == 0)
