"""Small training runs, for tests of everything that trains."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matey_core.models.matey import MateyConfig
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig

SETTINGS: dict[str, Any] = {"batch_size": 4, "validation_batches": 1, "precision": "float32"}
TOML = """
history = 2
max_lead = 2
batch_size = 4
validation_batches = 1
precision = "float32"
[model]
width = 32
depth = 2
heads = 2
tokenizer = {patch = [8, 4], ratio = 0.5}
"""
"""The settings of `pretrain_config`, for the command line."""


MEASURED = {"time", "seconds", "waiting_seconds", "memory"}
"""What journals say of a step that is measured, and differs from run to run."""


def tiny_model(**changes: Any) -> MateyConfig:
    """Two narrow blocks; half of the cells are refined."""
    tokenizer = changes.pop("tokenizer", TokenizerConfig(patch=(8, 4), ratio=0.5))
    return MateyConfig(width=32, depth=2, heads=2, tokenizer=tokenizer, **changes)


def pretrain_config(folder: Path, **changes: Any) -> PretrainConfig:
    """Six steps, or some minutes, on all stores in `folder/data`, into `folder/runs`."""
    defaults = {
        **SETTINGS,
        "data": folder / "data",
        "runs": folder / "runs",
        "model": tiny_model(),
        "history": 2,
        "max_lead": 2,
        **_length(6, changes),
    }
    return PretrainConfig(**{**defaults, **changes})


def finetune_config(folder: Path, **changes: Any) -> FinetuneConfig:
    """Four steps, or some minutes, in the same places."""
    places = {"runs": folder / "runs", "default_data": folder / "data"}
    return FinetuneConfig(**{**SETTINGS, **places, **_length(4, changes), **changes})


def _length(steps: int, changes: Mapping[str, Any]) -> dict[str, int]:
    return {} if "minutes" in changes else {"steps": steps}


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    """Lines of a journal about one kind of event, without what a clock or the machine decides."""
    rows = timed_events(run, kind)
    return [{key: value for key, value in row.items() if key not in MEASURED} for row in rows]


def timed_events(run: Path, kind: str) -> list[dict[str, Any]]:
    """The same with what no two runs have in common: times and memory."""
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    # The last line may still be on its way, or was cut off by a kill.
    complete = (line for line in lines if line.endswith("\n"))
    return [row for row in map(json.loads, complete) if row["event"] == kind]
