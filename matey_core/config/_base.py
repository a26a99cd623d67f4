"""The base of every settings class."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Frozen settings; unknown keys are mistakes, and nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
