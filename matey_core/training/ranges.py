"""What a model's training data showed, as a file in its folder: `ranges.json`.

An infinite growth is `null` there. Models of earlier versions have no such file.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from matey_core.by_dataset import read_by_dataset, write_by_dataset
from matey_core.data import FieldRange, Ranges

NAME = "ranges.json"


def write_ranges(folder: Path, ranges: Ranges) -> None:
    """Write into a model's folder; nothing where nothing is known."""
    rows = {
        dataset: {name: asdict(each) for name, each in fields.items()}
        for dataset, fields in ranges.items()
    }
    write_by_dataset(folder / NAME, rows)


def read_ranges(folder: Path) -> dict[str, dict[str, FieldRange]]:
    """Read from a model's folder; empty where an earlier version wrote it.

    Raises:
        CheckpointError: the file is damaged.
    """
    return read_by_dataset(
        folder / NAME,
        _range,
        remedy="Remove the file: rollouts are then not limited. Or train the model anew.",
    )


def _range(row: Mapping[str, float]) -> FieldRange:
    others = {key: row[key] for key in ("deviation", "lowest", "highest")}
    if not all(map(math.isfinite, others.values())):
        raise ValueError(f"{others} are not all finite")
    return FieldRange(**others, growth=row["growth"])
