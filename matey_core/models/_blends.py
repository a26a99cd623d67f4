"""How much of a training-free fit goes into a model's first frame, as a file in its folder.

    {"format": 1, "datasets": {"2D_rdb_NA_NA": {"height": {"most": 1.0, "tolerated": 0.1}}}}

A tolerated part of `null` is infinite. Models that are not blended have no such file.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matey_core.errors import CheckpointError
from matey_core.files import read_json
from matey_core.forecasts import Blend

Blends = Mapping[str, Mapping[str, Blend]]
"""Dataset → field → blend."""
NAME = "blend.json"
FORMAT = 1


def write_blends(folder: Path, blends: Blends) -> None:
    """Write into a model's folder; nothing where there is none."""
    if not any(blends.values()):
        return
    datasets = {
        dataset: {
            name: {
                "most": each.most,
                "tolerated": each.tolerated if math.isfinite(each.tolerated) else None,
            }
            for name, each in fields.items()
        }
        for dataset, fields in blends.items()
    }
    text = json.dumps({"format": FORMAT, "datasets": datasets}, indent=1, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read_blends(folder: Path) -> dict[str, dict[str, Blend]]:
    """Read from a model's folder; empty where there is no file.

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
            str(dataset): {str(name): _blend(row) for name, row in fields.items()}
            for dataset, fields in found["datasets"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error!r}.",
            remedy="Remove the file: first frames are then the model's own. Or train anew.",
        ) from error


def _blend(row: Mapping[str, Any]) -> Blend:
    tolerated = math.inf if row["tolerated"] is None else float(row["tolerated"])
    blend = Blend(most=float(row["most"]), tolerated=tolerated)
    if not 0 < blend.most <= 1 or not blend.tolerated > 0:
        raise ValueError(f"{blend} has no weights between 0 and 1")
    return blend
