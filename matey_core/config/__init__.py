"""Settings: frozen pydantic models in, TOML out, every mistake reported at once."""

from matey_core.config._base import Config
from matey_core.config._layers import exchanged, overlaid
from matey_core.config._part import PartConfig
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
    "EVERY_SETTING",
    "Config",
    "PartConfig",
    "exchanged",
    "mistakes",
    "overlaid",
    "put",
    "read_toml",
    "settings_file",
    "shipped_settings",
    "validate",
    "with_settings",
    "write_toml",
]
