"""How close `matey plan` comes to the training that it plans: memory and time of a step.

python -m bench plan

Every configuration is planned and trained in processes of their own, one after another. The peak is
that of the training's process; the step is the mean of its journal without the first.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

STEPS = 12
COMMON = ("--device", "cpu", "--history", "2", "--max-lead", "2", "--precision", "float32")
CONFIGS: dict[str, tuple[str, ...]] = {
    "micro": ("--preset", "micro"),
    "micro, 16 windows": ("--preset", "micro", "--batch-size", "16"),
    "micro, 16 windows in 4": ("--preset", "micro", "--batch-size", "16", "--accumulate", "4"),
    "mini": ("--preset", "mini"),
    "mini, one step": ("--preset", "mini", "--objective", "one_step"),
    "ti": ("--preset", "ti", "--batch-size", "4"),
    "ti, recompute": ("--preset", "ti", "--batch-size", "4", "--set", "recompute=true"),
    "ti, 64 tokens": ("--preset", "ti", "--batch-size", "4", "--tokens", "64"),
    "matey micro": ("--variant", "matey", "--preset", "micro"),
    "matey ti": ("--variant", "matey", "--preset", "ti", "--batch-size", "4"),
    "fno": ("--variant", "fno", "--preset", "micro"),
    "unet": ("--variant", "unet", "--preset", "micro"),
}


def rows() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _run(
            place,
            "simulate",
            "diffusion-reaction",
            "--samples",
            "6",
            "--grid",
            "64",
            "--steps",
            "20",
            "--store",
        )
        for name, options in CONFIGS.items():
            yield {"config": name, **_compared(place, options)}


def _compared(place: Path, options: tuple[str, ...]) -> dict[str, Any]:
    line = ("--steps", str(STEPS), *COMMON, *options)
    planned, _ = _run(place, "plan", *line)
    report, peak = _run(place, "pretrain", *line)
    journal = (Path(place) / report["run"] / "journal.jsonl").read_text(encoding="utf-8")
    found = [row for row in map(json.loads, journal.splitlines()) if row["event"] == "step"]
    seconds = fmean(row["seconds"] for row in found[1:])
    return {
        "planned_bytes": planned["memory"],
        "bytes": peak,
        "planned_seconds": planned["step_seconds"],
        "seconds": seconds,
        "memory_ratio": planned["memory"] / peak,
        "seconds_ratio": planned["step_seconds"] / seconds,
    }


def _run(place: Path, *arguments: str) -> tuple[dict[str, Any], int]:
    """Run a command, and give its document and the most resident memory of its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "matey_cli", *arguments, "--json"],
        cwd=place,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(arguments)} has failed.")
    return json.loads(text), 1024 * usage.ru_maxrss
