"""Settings: frozen pydantic models in, TOML out, every mistake reported at once."""

from matey_core.config._base import Config
from matey_core.config._document import commented_toml
from matey_core.config._explain import SettingFact, explain, part_classes
from matey_core.config._flat import flat
from matey_core.config._layers import exchanged, merged, overlaid
from matey_core.config._likely import ALIASES, likely
from matey_core.config._part import PartConfig
from matey_core.config._schema import json_schema
from matey_core.config._toml import (
    put,
    read_toml,
    settings_file,
    shipped_settings,
    with_settings,
    write_toml,
)
from matey_core.config._validate import EVERY_SETTING, mistakes, validate

__all__ = [
    "ALIASES",
    "EVERY_SETTING",
    "Config",
    "PartConfig",
    "SettingFact",
    "commented_toml",
    "exchanged",
    "explain",
    "flat",
    "json_schema",
    "likely",
    "merged",
    "mistakes",
    "overlaid",
    "part_classes",
    "put",
    "read_toml",
    "settings_file",
    "shipped_settings",
    "validate",
    "with_settings",
    "write_toml",
]
