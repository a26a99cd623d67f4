"""Arrays computed by the published implementation, read once a process."""

from functools import cache
from pathlib import Path

import numpy as np


@cache
def arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of one npz file."""
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}
