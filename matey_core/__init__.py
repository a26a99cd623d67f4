"""The library under matey: it never prints, never exits and knows no terminal.

What it chooses (kernel, precision), and what is slow or left out, is logged by `matey`:
`logging.getLogger("matey").setLevel("INFO")` and a handler show it.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from matey_core.version import __version__

if TYPE_CHECKING:
    from matey_core.prediction import Predictor

logging.getLogger("matey").addHandler(logging.NullHandler())

__all__ = ["__version__", "load"]


def load(
    path: str | Path | None = None, *, runs: str | Path = "runs", device: str | None = None
) -> "Predictor":
    """Load a trained model, whose `predict` takes a dataset and returns what comes next.

    Args:
        path: run, model directory, or name of a run in `runs`; None for the newest run.
        runs: folder of the runs.
        device: where it computes, such as "cpu"; by default a GPU if there is one.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    from matey_core.prediction import (
        load,  # imports torch, which the command's help must not
    )

    return load(path, runs=runs, device=device)
