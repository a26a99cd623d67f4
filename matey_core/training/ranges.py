"""What a model's training data showed, as a file in its folder: `ranges.json`.

    {"format": 1, "datasets": {"2D_rdb_NA_NA": {"height": {"deviation": 0.3, "lowest": 1.0,
     "highest": 1.1, "growth": 1.2}}}}

A growth of `null` is infinite. Models of earlier versions have no such file.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matey_core.data import FieldRange, Ranges
from matey_core.errors import CheckpointError
from matey_core.files import read_json

NAME = "ranges.json"
FORMAT = 1


def write_ranges(folder: Path, ranges: Ranges) -> None:
    """Write into a model's folder; nothing where nothing is known."""
    if not ranges:
        return
    datasets = {
        dataset: {name: _plain(asdict(each)) for name, each in fields.items()}
        for dataset, fields in ranges.items()
    }
    text = json.dumps({"format": FORMAT, "datasets": datasets}, indent=1, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read_ranges(folder: Path) -> dict[str, dict[str, FieldRange]]:
    """Read from a model's folder; empty where an earlier version wrote it.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        found = read_json(path)
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']}, expected {FORMAT}")
        return {
            str(dataset): {str(name): _range(row) for name, row in fields.items()}
            for dataset, fields in found["datasets"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error!r}.",
            remedy="Remove the file: rollouts are then not limited. Or train the model anew.",
        ) from error


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def _range(row: Mapping[str, Any]) -> FieldRange:
    growth = math.inf if row["growth"] is None else float(row["growth"])
    others = {key: float(row[key]) for key in ("deviation", "lowest", "highest")}
    if not all(map(math.isfinite, others.values())):
        raise ValueError(f"{others} are not all finite")
    return FieldRange(**others, growth=growth)
