"""Settings laid over each other, where a layer names other parts than the one below."""

import json
import re
from typing import Any

import pytest

from matey_core.config import exchanged, overlaid, validate
from matey_core.errors import ConfigError
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig

PUSHED = {"name": "pushforward", "horizon": 3}
MATEY = {"preset": "s", "width": 32, "heads": 4, "tokenizer": {"patch": [8, 4], "gamma": 0.5}}


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ({"steps": 3, "seed": 1}, {"steps": 4}, {"steps": 4, "seed": 1}),
        ({"weights": {"a": 1}}, {"weights": {"b": 2}}, {"weights": {"a": 1, "b": 2}}),
        ({"objective": PUSHED}, {"objective": {"gradient": "all"}},
         {"objective": {**PUSHED, "gradient": "all"}}),
        ({"objective": PUSHED}, {"objective": {"name": "one_step"}},
         {"objective": {"name": "one_step"}}),
        ({"objective": PUSHED}, {"objective": "one_step"}, {"objective": "one_step"}),
        ({"objective": "pushforward"}, {"objective": {"horizon": 5}},
         {"objective": {"name": "pushforward", "horizon": 5}}),
        ({"model": MATEY}, {"model": {"variant": "fno", "modes": 4}},
         {"model": {"variant": "fno", "preset": "s", "width": 32, "modes": 4}}),
        ({"model": {"scheme": "full", "width": 8}}, {"model": {"variant": "unet"}},
         {"model": {"variant": "unet", "width": 8}}),
        ({"model": {**MATEY, "tokenizer": {"patch": [8, 4], "criterion": "gradient"}}},
         {"model": {"variant": "paper"}},
         {"model": {"variant": "paper", **MATEY, "tokenizer": {"patch": [8, 4]}}}),
        ({"model": {"variant": "fno", "modes": 4}}, {"model": {"variant": "fno"}},
         {"model": {"variant": "fno", "modes": 4}}),
        ({"model": {"variant": "fno", "width": 8}}, {"model": {"variant": "unete"}},
         {"model": {"variant": "unete", "width": 8}}),
        ({"model": MATEY}, {"model": {"tokenizer": {"patch": [4]}}},
         {"model": {**MATEY, "tokenizer": {"patch": [4], "gamma": 0.5}}}),
        ({"model": {**MATEY, "widht": 3}}, {"model": {"variant": "fno"}},
         {"model": {"variant": "fno", "preset": "s", "width": 32, "widht": 3}}),
    ],
)  # fmt: skip
def test_what_only_the_former_part_has_is_left_out(
    below: dict[str, Any], above: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = repr(below)
    assert overlaid(PretrainConfig, below, above) == expected
    assert repr(below) == before


@pytest.mark.parametrize("value", [[{"width": 3}], [], 3, True, ["s"]])
@pytest.mark.parametrize(
    "above",
    [
        {"model": {"preset": "s"}},
        {"optimizer": {"learning_rate": 1e-3}},
        {"weights": {"a": 1.0}},
        {"objective": {"name": "one_step"}},
        {"model": {"tokenizer": {"patch": [4]}}},
    ],
)
def test_what_is_no_table_is_not_replaced_by_one(value: Any, above: dict[str, Any]) -> None:
    (name,) = above
    found = overlaid(PretrainConfig, {name: value}, above)
    assert found == {name: value}
    with pytest.raises(
        ConfigError, match=f"{name}: .*should be a.*, found {re.escape(json.dumps(value))}"
    ):
        validate(PretrainConfig, found, source="x")


def test_a_mode_is_exchanged_by_its_own_key() -> None:
    lora = {"finetune": {"mode": "lora", "rank": 4}}
    found = exchanged(FinetuneConfig, lora, {"finetune": {"mode": "full"}})
    assert found == {"finetune": {"mode": "lora"}}


def test_parts_of_a_list_named_alone_keep_their_settings() -> None:
    noise = {"name": "noise", "strength": 0.1}
    found = overlaid(PretrainConfig, {"augment": ["roll", noise]}, {"augment": ["flip", "noise"]})
    assert found == {"augment": ["flip", noise]}
    given = {"augment": [{"name": "noise", "strength": 0.2}]}
    assert overlaid(PretrainConfig, {"augment": [noise]}, given) == given
    assert overlaid(PretrainConfig, {"augment": [noise]}, {"augment": ["flip"]}) == {
        "augment": ["flip"]
    }
