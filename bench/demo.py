"""The whole job on a folder of its own, with wall time and peak memory of every command.

python bench/demo.py --folder demo [--data FOLDER]
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

PRETRAIN_MINUTES = 3
FINETUNE_MINUTES = 1.5
TINY_MINUTES = 0.5
PREPARE = "prepare pdebench ./data"
PRETRAIN = (f"pretrain --minutes {PRETRAIN_MINUTES}", "rollout")
TINY = (
    "finetune matey-tiny --data ./data/zarr/2D_thermals_collision_Train.zarr --n-samples 8 "
    f"--minutes {TINY_MINUTES} --name from-tiny",
    "rollout from-tiny",
)
REST = (
    f"finetune --freeze-attention --n-samples 8 --minutes {FINETUNE_MINUTES}",
    "rollout",
    "tokenize-inspect",
    "profile",
)
GIVEN = (PREPARE, *PRETRAIN, *REST)
SIMULATED = (
    "simulate suite --scale tiny --out ./data",
    f"{PREPARE}/pretraining --out ./data/zarr",
    *PRETRAIN,
    f"{PREPARE}/finetuning --out ./data/zarr",
    *TINY,
    *REST,
)
MATEY = Path(sys.executable).with_name("matey")


class Cost(NamedTuple):
    """What one command took."""

    command: str
    seconds: float
    mebibytes: float
    """Largest resident size of any of its processes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where to work")
    parser.add_argument("--data", type=Path, help="PDEBench files; without it they are simulated")
    arguments = parser.parse_args()
    if arguments.data is not None and not arguments.data.is_dir():
        raise SystemExit(f"{arguments.data} is not a folder: give DATA=<folder of PDEBench files>.")
    begin(arguments.folder, arguments.data)
    commands = GIVEN if arguments.data is not None else SIMULATED
    summarize([run(command, arguments.folder) for command in commands])


def begin(folder: Path, data: Path | None) -> None:
    """Clear what an earlier demo made, and copy the data in."""
    for part in ("data", "runs"):
        shutil.rmtree(folder / part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    if data is not None:
        shutil.copytree(data, folder / "data")
        say(f"copied {data} to {folder / 'data'}")


def run(command: str, folder: Path) -> Cost:
    """Run one command as a person would, and end the demo where it fails."""
    say(f"\n$ matey {command}")
    began = time.perf_counter()
    process = subprocess.Popen([MATEY, *shlex.split(command)], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    if code != 0:
        raise SystemExit(f"matey {command} ended with exit code {code}.")
    kibibyte = 1024 if sys.platform == "darwin" else 1
    cost = Cost(f"matey {command}", seconds, usage.ru_maxrss / kibibyte / 1024)
    say(f"[{cost.seconds:.1f} s, {cost.mebibytes:.0f} MiB]")
    return cost


def summarize(costs: list[Cost]) -> None:
    """Print the table of all commands with the total."""
    width = max(len(cost.command) for cost in costs)
    say(f"\n{'command':{width}}  {'wall time':>9}  {'peak memory':>11}")
    for cost in costs:
        say(f"{cost.command:{width}}  {cost.seconds:7.1f} s  {cost.mebibytes:7.0f} MiB")
    seconds = sum(cost.seconds for cost in costs)
    peak = max(cost.mebibytes for cost in costs)
    say(f"{'total':{width}}  {seconds:7.1f} s  {peak:7.0f} MiB")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
