"""A model directory, read without building the model."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from matey_core.descriptions import check_known
from matey_core.errors import CheckpointError
from matey_core.fields import is_answer
from matey_core.files import check_regular, read_json
from matey_core.runs.origin import Origin, read_origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """What a model is and knows."""

    path: Path
    variant: str
    fields: tuple[str, ...]
    num_axes: tuple[int, ...]
    parameters: int
    """Numbers saved here; of an adapter, those that are added to its base."""
    base: str | None
    """Path of the model that an adapter adds to."""
    matey: str
    """Version that wrote it."""
    num_bytes: int
    settings: dict[str, Any]
    origin: Origin | None = None
    """What it says of its training; None where an earlier version wrote it."""


def read_model(folder: Path) -> ModelRecord:
    """Read the description of a model, and the shapes of its weights.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    try:
        found = read_json(folder / "model.json")
        check_known(found["fields"], found["num_axes"], path=folder / "model.json")
        parameters = sum(map(_count, folder.glob("*.safetensors")))
        return ModelRecord(
            path=folder,
            variant=str(found["config"].get("variant", "")),
            fields=tuple(name for name in found["fields"] if not is_answer(name)),
            num_axes=tuple(found["num_axes"]),
            parameters=parameters,
            base=str(found["base"]["path"]) if "base" in found else None,
            matey=str(found.get("matey", "")),
            num_bytes=num_bytes(folder),
            settings=dict(found["config"]),
            origin=read_origin(folder),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be read as a model: {error}.") from error


def num_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; of a file with two names, once."""
    sizes = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            facts = path.stat()
            sizes[facts.st_ino] = facts.st_size
    return sum(sizes.values())


def _count(weights: Path) -> int:
    check_regular(weights)
    with safe_open(weights, framework="numpy") as tensors:
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
