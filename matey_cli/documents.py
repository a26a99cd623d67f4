"""Reports as plain values that JSON can hold."""

import dataclasses
import enum
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def plain(value: Any) -> Any:
    """Turn a report into dictionaries, lists, strings, numbers, booleans and None.

    Dataclasses and settings become dictionaries, arrays and tensors nested lists,
    paths strings; NaN and ±∞ become None. A dataclass field whose metadata says
    `document: False` is left out.
    """
    if value is None or isinstance(value, bool | str):
        return value if not isinstance(value, enum.Enum) else value.value
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.metadata.get("document", True)
        }
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _foreign(value)


def _foreign(value: Any) -> Any:
    """Arrays, tensors, their scalars and pydantic models, without importing any of them."""
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)
