"""Settings of a part that is chosen by name, and hold that part's keys and no others."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, ClassVar, Self

import pydantic
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema, to_json

from matey_core.config._base import Config
from matey_core.config._schema import without_references
from matey_core.errors import ConfigError
from matey_core.registry import Registry

_within: ContextVar[tuple[type, ...]] = ContextVar("_within", default=())
"""Families whose schema is being written."""


class PartConfig(Config):
    """Settings of one part of a family.

    The family's base class names its registry and its default, each part's class adds its
    own settings and registers itself:

        class LossConfig(PartConfig):
            family: ClassVar[Registry[type["LossConfig"]]] = LOSSES
            default: ClassVar[str] = "nrmse"

        @LOSSES.register("nrmse")
        class NrmseConfig(LossConfig):
            name: Literal["nrmse"] = "nrmse"
            floor: float = 1e-4

    A setting of the type `LossConfig` then takes a section, whose `name` decides which class
    reads the other keys, or a name alone. Written out, it is that section.
    """

    family: ClassVar[Registry[Any]]
    default: ClassVar[str]
    """Name of the part where none is given."""
    key: ClassVar[str] = "name"
    """The setting that names the part."""

    @property
    def part(self) -> str:
        """Name of the part in its family."""
        return str(getattr(self, self.key))

    @classmethod
    def standard(cls) -> Self:
        """The default part with its default settings: a `default_factory`."""
        return cls.choose({})

    @classmethod
    def choose(cls, values: Mapping[str, Any] | str) -> Self:
        """Make the settings of the part that `values` name.

        Args:
            values: a section of plain values, or a part's name.

        Raises:
            ConfigError: there is no such part.
            pydantic.ValidationError: a value is wrong, or a key is not the part's.
        """
        kind, section = cls._named(values)
        return kind.model_validate_json(to_json(section), strict=True)

    @classmethod
    def parts(cls) -> Iterator[tuple[str, type[Self]]]:
        """Names and classes of all parts of the family that can be imported here."""
        for name in cls.family.names():
            with suppress(ConfigError):
                yield name, cls.family[name]

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        if "family" not in vars(cls):
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if "family" not in vars(cls):
            return handler(schema)
        names = {"enum": list(cls.family.names())}
        outer = _within.get()
        if cls in outer:  # a part of its own family, which would never end
            return {"anyOf": [names, {"type": "object"}]}
        token = _within.set((*outer, cls))
        try:
            parts = [without_references(kind.model_json_schema()) for _, kind in cls.parts()]
        finally:
            _within.reset(token)
        return {"anyOf": [names, *parts]}

    @classmethod
    def _named(cls, values: Mapping[str, Any] | str) -> tuple[type[Self], dict[str, Any]]:
        """The class that is asked for, and its section with the name written in."""
        section = {cls.key: values} if isinstance(values, str) else dict(values)
        name = section.setdefault(cls.key, cls.default)
        return cls.family[name if isinstance(name, str) else repr(name)], section

    @classmethod
    def _read(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping | str):
            raise PydanticCustomError("part_type", "should be a section, or the name of a part")
        try:
            kind, section = cls._named(value)
        except ConfigError as error:
            problem = " ".join(filter(None, (str(error), error.remedy))).rstrip(".")
            raise PydanticCustomError("part_unknown", "{problem}", {"problem": problem}) from error
        try:
            return kind.model_validate_json(to_json(section), strict=True)
        except pydantic.ValidationError as error:
            context = {"part": kind, "errors": error.errors()}
            raise PydanticCustomError("part_settings", "has wrong settings", context) from error


def _written(part: PartConfig, info: pydantic.SerializationInfo) -> dict[str, Any]:
    return part.model_dump(mode=info.mode, exclude_none=info.exclude_none)
