"""Settings as a tool might have them, for the options that are made of them."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config, PartConfig
from matey_core.registry import Registry

LIMIT = 7
Mode = Literal["fast", "exact"]
SCHEMES: Registry[type["SchemeConfig"]] = Registry("matey_core.attention")


class SchemeConfig(PartConfig):
    """Who attends to whom. More of it."""

    family: ClassVar[Registry[type["SchemeConfig"]]] = SCHEMES
    default: ClassVar[str] = "full"
    key: ClassVar[str] = "variant"

    variant: str
    """Which scheme: a name."""


class InnerConfig(Config):
    """A section."""

    width: PositiveInt = 3
    """Width of
    the `inner` part. A second sentence."""


class BaseConfig(Config):
    """What toys share."""

    rate: PositiveFloat = 0.5
    """Speed of the toy."""
    steps: PositiveInt = LIMIT
    """Steps, e.g. to the left; by default seven."""


class ToyConfig(BaseConfig):
    """Settings of a toy."""

    rate: PositiveFloat = 1e-4
    """Speed of this toy."""
    seed: NonNegativeInt | None = None
    """Decides colors."""
    share: Annotated[float, Field(ge=0, le=1)] = Field(default=0.25)
    warmup: float = Field(default=0.0, ge=0, lt=2)
    mode: Mode = "fast"
    sizes: tuple[PositiveInt, ...] = (16, 8)
    names: tuple[str, ...] = ()
    weights: dict[str, float] = Field(default_factory=dict)
    folder: Path = Path("toys")
    fast: bool = False
    """Be quick."""
    safe: bool = True
    """Be careful."""
    inner: InnerConfig = InnerConfig(width=5)
    wide: InnerConfig = Field(default_factory=lambda: InnerConfig(width=9))
    scheme: SchemeConfig = Field(default_factory=SchemeConfig.standard)
