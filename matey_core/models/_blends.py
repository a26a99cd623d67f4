"""How much of a training-free fit goes into a model's first frames: `blend.json` in its folder.

A model that is not blended has no such file.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from matey_core.by_dataset import read_by_dataset, write_by_dataset
from matey_core.forecasts import Blend

Blends = Mapping[str, Mapping[str, Blend]]
"""Dataset → field → blend."""
NAME = "blend.json"


def write_blends(folder: Path, blends: Blends) -> None:
    """Write into a model's folder; nothing where there is none."""
    rows = {
        dataset: {name: asdict(each) for name, each in fields.items()}
        for dataset, fields in blends.items()
    }
    write_by_dataset(folder / NAME, rows)


def read_blends(folder: Path) -> dict[str, dict[str, Blend]]:
    """Read from a model's folder; empty where there is no file.

    Raises:
        CheckpointError: the file is damaged.
    """
    return read_by_dataset(
        folder / NAME,
        _blend,
        remedy="Remove the file: first frames are then the model's own. Or train anew.",
    )


def _blend(row: Mapping[str, float]) -> Blend:
    blend = Blend(most=row["most"], tolerated=row["tolerated"], frames=row.get("frames", 1.0))
    if not 0 < blend.most <= 1 or not blend.tolerated > 0:
        raise ValueError(f"{blend} has no weights between 0 and 1")
    if not blend.frames >= 1:
        raise ValueError(f"{blend} has no frames")
    return blend
