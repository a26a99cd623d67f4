"""Settings written with an explanation of each, and described as a JSON schema."""

import tomllib
from typing import Any

import pytest

from matey_core.config import (
    Config,
    commented_toml,
    explain,
    json_schema,
    part_classes,
    validate,
)
from matey_core.models import ModelConfig
from matey_core.optimizers import OptimizerConfig
from matey_core.runs.project import Project
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig

CHOSEN: dict[type[Config], dict[str, Any]] = {
    PretrainConfig: {
        "minutes": 3.0,
        "optimizer": "adamw",
        "weights": {"a b": 2, "c": 0.5},
        "augment": ["flip", {"name": "noise", "strength": 0.1}],
        "model": {"variant": "fno", "width": 7},
    },
    FinetuneConfig: {"finetune": {"mode": "lora", "rank": 3}, "n_samples": 5, "tokens": 40},
    Project: {"runs": "elsewhere", "preset": "s"},
}


@pytest.mark.parametrize("values", [True, False], ids=["chosen", "defaults"])
@pytest.mark.parametrize("kind", CHOSEN)
def test_a_commented_file_gives_the_same_settings(kind: type[Config], values: bool) -> None:
    config = validate(kind, CHOSEN[kind] if values else {}, source="test")
    text = commented_toml(config, title="Settings")
    assert validate(kind, tomllib.loads(text), source="test") == config
    names = {line.lstrip("#").partition(" ")[0] for line in text.splitlines()}
    assert names >= {fact.name for fact in explain(kind, config) if not fact.is_section}
    assert max(map(len, text.splitlines())) <= 100


def test_defaults_stand_in_a_commented_file_as_comments() -> None:
    text = commented_toml(PretrainConfig(steps=9), title="Settings")
    lines = text.splitlines()
    assert "steps = 9" in lines
    assert "#minutes =" in lines
    at = lines.index("#batch_size = 8")
    assert lines[at - 1] == (
        "# Windows of one step, over all processes together. [whole number from 1]"
    )


def test_every_setting_is_explained_with_its_values() -> None:
    facts = {fact.path: fact for fact in explain(PretrainConfig)}
    expected = {
        "precision": '"auto", "float32" or "bfloat16"',
        "optimizer.learning_rate": "number above 0",
        "schedule.warmup": "number from 0 below 1",
        "jitter": "true or false",
        "tokens_range": "list of 2: whole number from 1",
        "weights": "names, each with a value: number from 0",
        "runs": "path",
    }
    assert {path: facts[path].allowed for path in expected} == expected
    assert facts["optimizer"].parts == OptimizerConfig.family.names()
    assert [path for path, fact in facts.items() if not fact.meaning and not fact.is_section] == [
        path for path, fact in facts.items() if fact.names_part
    ]
    assert part_classes(PretrainConfig, "optimizer").keys() >= {"adamw", "muon"}
    assert part_classes(PretrainConfig, "steps") == {}


def test_a_schema_describes_the_settings_of_every_part() -> None:
    schema = json_schema(PretrainConfig, title="Settings")
    assert "$ref" not in str(schema)
    [weighted] = [
        part
        for part in schema["properties"]["objective"]["anyOf"][1:]
        if part["properties"]["name"]["const"] == "weighted"
    ]
    term = weighted["properties"]["terms"]["items"]["properties"]["objective"]["anyOf"]
    assert "weighted" in term[0]["enum"]
    assert term[1:] == [{"type": "object"}]  # a family within itself is named alone
    assert schema["properties"].keys() == PretrainConfig.model_fields.keys()
    names, *parts = schema["properties"]["model"]["anyOf"]
    assert names["enum"] == list(ModelConfig.family.names())
    found = {part["properties"]["variant"]["const"]: part for part in parts}
    for name, kind in ModelConfig.parts():
        assert found[name]["properties"].keys() == kind.model_fields.keys()
        assert found[name]["additionalProperties"] is False
