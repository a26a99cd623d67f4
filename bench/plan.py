"""How close `matey plan` comes to the training that it plans: memory and time of a step.

python -m bench plan

Every configuration is planned and trained in processes of their own, one after another. The peak is
that of the training's process; the step is the mean of its journal without the first. Seconds are
those of the processor, in both commands, so that other jobs do not count.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

STEPS = 12
COMMON = ("--device", "cpu", "--history", "2", "--max-lead", "2", "--precision", "float32")
MATEY = """
import time
time.perf_counter = time.process_time
from matey_cli.app import main
main()
"""
DATA = {
    "2D": ("diffusion-reaction", "--grid", "64", "--steps", "20"),
    "1D": ("burgers-1d", "--grid", "256", "--steps", "20"),
    "3D": ("compressible-flow", "--set", "dimension=3", "--grid", "16", "--steps", "10"),
}
CONFIGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("2D", "micro"): ("--preset", "micro"),
    ("2D", "micro, 16 windows"): ("--preset", "micro", "--batch-size", "16"),
    ("2D", "micro, 16 windows in 4"): (
        *("--preset", "micro", "--batch-size", "16", "--accumulate", "4"),
    ),
    ("2D", "mini"): ("--preset", "mini"),
    ("2D", "mini, one step"): ("--preset", "mini", "--objective", "one_step"),
    ("2D", "ti"): ("--preset", "ti", "--batch-size", "4"),
    ("2D", "ti, recompute"): ("--preset", "ti", "--batch-size", "4", "--set", "recompute=true"),
    ("2D", "ti, 64 tokens"): ("--preset", "ti", "--batch-size", "4", "--tokens", "64"),
    ("2D", "matey micro"): ("--variant", "matey", "--preset", "micro"),
    ("2D", "matey ti"): ("--variant", "matey", "--preset", "ti", "--batch-size", "4"),
    ("2D", "matey ti, recompute"): (
        *("--variant", "matey", "--preset", "ti", "--batch-size", "4"),
        *("--set", "recompute=true"),
    ),
    ("2D", "fno"): ("--variant", "fno", "--preset", "micro"),
    ("2D", "unet"): ("--variant", "unet", "--preset", "micro"),
    ("2D", "unet mini, 16 windows"): (
        *("--variant", "unet", "--preset", "mini", "--batch-size", "16"),
    ),
    ("2D", "avit micro"): ("--variant", "avit", "--preset", "micro"),
    ("2D", "avit ti"): ("--variant", "avit", "--preset", "ti", "--batch-size", "4"),
    ("1D", "mini"): ("--preset", "mini"),
    ("1D", "matey mini"): ("--variant", "matey", "--preset", "mini", "--batch-size", "16"),
    ("1D", "fno mini"): ("--variant", "fno", "--preset", "mini"),
    ("3D", "micro"): ("--preset", "micro", "--batch-size", "4"),
    ("3D", "matey micro, 64 tokens"): (
        *("--variant", "matey", "--preset", "micro", "--batch-size", "4", "--tokens", "64"),
    ),
    ("3D", "unet, recompute"): (
        *("--variant", "unet", "--preset", "micro", "--batch-size", "4"),
        *("--set", "recompute=true"),
    ),
}
"""Number of axes, and what is said of it -> options; without a variant, models are `pyramid`."""


def rows(names: Collection[tuple[str, str]] = CONFIGS) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        for axes, simulation in DATA.items():
            place = Path(folder) / axes
            place.mkdir()
            _run(place, "simulate", *simulation, "--samples", "6", "--store")
            for name in names:
                if name[0] == axes:
                    yield {"config": ", ".join(name), **_compared(place, CONFIGS[name])}


def _compared(place: Path, options: tuple[str, ...]) -> dict[str, Any]:
    line = ("--steps", str(STEPS), *COMMON, *options)
    planned, _ = _run(place, "plan", *line)
    report, peak = _run(place, "pretrain", *line)
    journal = (place / report["run"] / "journal.jsonl").read_text(encoding="utf-8")
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
        [sys.executable, "-c", MATEY, *arguments, "--json"],
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
