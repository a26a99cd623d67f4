"""Parameters are counted by parts that the model has."""

import pytest

from matey_core.finetuning import count_parameters
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
