"""Settings of a model as version 0.1 wrote them."""

import pytest

from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.models import ModelConfig, upgraded_settings
from matey_core.models.paper import PaperConfig, PaperTokenizerConfig

WRITTEN = {
    "variant": "paper",
    "preset": "ti",
    "width": 24,
    "scheme": "axial",
    "kernel": "sdpa",
    "measure": False,
    "tokenizer": {
        "name": "adap_mul",
        "patch": [8, 4],
        "criterion": "variance",
        "ratio": 0.25,
        "balanced": False,
        "keep_parents": False,
    },
    "drop_path": 0.2,
    "position": "boundary",
    "norm": "token",
    "conditioning": "every_block",
    "increment": True,
    "innovation": True,
    "trend": True,
    "details": True,
    "layer_scale": 0.2,
}


def test_the_paper_variant_loses_what_it_did_not_heed() -> None:
    tokenizer = PaperTokenizerConfig.model_validate(
        {"name": "adap_mul", "patch": (8, 4), "ratio": 0.25}
    )
    expected = PaperConfig(
        width=24, scheme="axial", kernel="sdpa", tokenizer=tokenizer, drop_path=0.2
    )
    assert validate(ModelConfig, upgraded_settings(WRITTEN), source="") == expected


def test_cells_of_one_size_were_the_last_of_the_sizes() -> None:
    tokenizer = {**WRITTEN["tokenizer"], "name": "uniform", "patch": [16, 8, 4]}  # type: ignore[dict-item]
    config = validate(
        ModelConfig, upgraded_settings({**WRITTEN, "tokenizer": tokenizer}), source=""
    )
    assert config.tokenizer.levels == (4,)  # type: ignore[attr-defined]


def test_what_is_written_by_hand_is_not_dropped() -> None:
    values = {"variant": "paper", "measure": True}
    assert upgraded_settings(values) == values
    with pytest.raises(ConfigError, match=r"'measure'.*\(matey and pyramid have it\)"):
        validate(ModelConfig, upgraded_settings(values), source="")


def test_the_matey_variant_stays_as_it_was() -> None:
    values = {**WRITTEN, "variant": "matey"}
    assert upgraded_settings(values) == values
    assert validate(ModelConfig, values, source="").variant == "matey"
