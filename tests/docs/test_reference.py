"""The generated reference shows every part with the settings that it has."""

import re

from docs.generate import commands_page, settings_page
from matey_core.losses import LossConfig
from matey_core.runs.settings import TrainingConfig


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", page, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def test_settings_list_each_familys_parts_with_their_own_keys() -> None:
    page = settings_page()
    assert re.findall(r"^## TrainingConfig$", page, re.MULTILINE) == ["## TrainingConfig"]
    for name in TrainingConfig.model_fields:
        assert f"| `{name}` |" in section(page, "TrainingConfig")
    assert "| `loss` | `LossConfig` | `change` |" in section(page, "TrainingConfig")
    assert "`name` names the part, by default `change`" in section(page, "LossConfig")
    for name, part in LossConfig.parts():
        keys = re.findall(r"^\| `(\w+)` \|", section(page, f'name = "{name}"'), re.MULTILINE)
        assert set(keys) == part.model_fields.keys() - {"name"}


def test_commands_show_the_help_with_its_choices() -> None:
    page = commands_page()
    assert "--scheme [axial|factorized|full]" in section(page, "matey pretrain")
    assert "--mode NAME" in section(page, "matey finetune")
