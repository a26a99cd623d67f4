"""What makes a shared run small: weights in half the bytes, and few of a journal's steps."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from matey_core.errors import RunError
from matey_core.journal import Journal

STEPS = 1000
"""Steps that a shared journal has at most, beside every validation."""


def halve(weights: Path) -> None:
    """Round weights in single precision to float16.

    A value changes by at most 2⁻¹¹ of itself, or 2⁻²⁵ where it is below 2⁻¹⁴. Commands compute
    with the rounded weights in single precision.

    Args:
        weights: a file of safetensors, which is replaced.

    Raises:
        RunError: a weight is too large for float16.
    """
    tensors = load_file(weights)
    for name, value in tensors.items():
        if value.dtype == torch.float32:
            tensors[name] = value.half()
            if not tensors[name].isfinite().all():
                raise RunError(
                    f"{name} has a value above 65,504, the largest of float16.",
                    remedy="Share it without --half.",
                )
    save_file(tensors, weights)


def thin(journal: Path) -> None:
    """Keep at most `STEPS` steps of a journal, evenly spread and the last, and all else."""
    rows = Journal(journal).read()
    steps = [index for index, row in enumerate(rows) if row.get("event") == "step"]
    if len(steps) > STEPS:
        kept = {steps[number * (len(steps) - 1) // (STEPS - 1)] for number in range(STEPS)}
        dropped = set(steps) - kept
        lines = (json.dumps(row) for index, row in enumerate(rows) if index not in dropped)
        journal.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
