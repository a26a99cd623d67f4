"""The base of every settings class."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Frozen settings; unknown keys are mistakes, and nothing is converted silently."""

    # JSON and what is derived from settings know no infinities.
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )
