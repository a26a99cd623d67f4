"""Numbers of each dataset and field, as a JSON file in a model's folder.

    {"format": 1, "datasets": {"2D_rdb_NA_NA": {"height": {"deviation": 0.3, "growth": 1.2}}}}

An infinite number is `null`.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from matey_core.errors import CheckpointError
from matey_core.files import read_json

FORMAT = 1
Row = TypeVar("Row")


def write_by_dataset(path: Path, datasets: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Write the file; none where there is nothing to say."""
    if not any(datasets.values()):
        return
    plain = {
        dataset: {
            name: {key: value if math.isfinite(value) else None for key, value in row.items()}
            for name, row in fields.items()
        }
        for dataset, fields in datasets.items()
    }
    text = json.dumps({"format": FORMAT, "datasets": plain}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_by_dataset(
    path: Path, row_of: Callable[[Mapping[str, float]], Row], *, remedy: str
) -> dict[str, dict[str, Row]]:
    """Read the file; empty where there is none.

    Args:
        path: of the file.
        row_of: makes what is kept of the numbers of a field, and may raise ValueError.
        remedy: what to do where the file is damaged.

    Raises:
        CheckpointError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        found = read_json(path)
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']}, expected {FORMAT}")
        return {
            str(dataset): {
                str(name): row_of(
                    {key: math.inf if value is None else float(value) for key, value in row.items()}
                )
                for name, row in fields.items()
            }
            for dataset, fields in found["datasets"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CheckpointError(f"{path} cannot be read: {error!r}.", remedy=remedy) from error
