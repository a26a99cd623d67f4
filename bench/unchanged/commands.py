"""Commands as a user types them, each in a process of its own, with one thread."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.unchanged.cases import Case
from bench.unchanged.results import document, stores, trained

ROOT = Path(__file__).resolve().parents[2]


def run(name: str, case: Case, work: Path) -> dict[str, Any]:
    """Run a case in the folder `work` and return all that it led to."""
    line = shlex.split(case.line)
    is_training = line[0] in {"pretrain", "finetune"}
    if is_training:
        line += ["--name", name]
    if case.interrupted_after:
        _interrupt(line, work, work / "runs" / name, case.interrupted_after)
        line = ["pretrain", "--name", name, "--resume"]
    process = _start(line, work)
    out, err = process.communicate()
    result: dict[str, Any] = {"exit_code": process.returncode}
    if process.returncode != 0:
        (work / f"{name}.error").write_text(out + err, encoding="utf-8")
        return result
    result["document"] = document(out, case.keep)
    if is_training:
        result["trained"] = trained(work / "runs" / name)
    if case.stores:
        result["stores"] = stores(work / case.stores)
    return result


def _start(line: list[str], work: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "matey_cli", *line, "--json"],
        cwd=work,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _interrupt(line: list[str], work: Path, run: Path, step: int) -> None:
    """Kill a training run that has a checkpoint of `step` or later, and is not finished."""
    process = _start(line, work)
    last = run / "checkpoints" / "last"
    while process.poll() is None:
        if last.exists() and int(last.read_text(encoding="utf-8").removeprefix("step-")) >= step:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.001)
    process.communicate()
    if process.returncode != -signal.SIGKILL:
        shutil.rmtree(run, ignore_errors=True)
        raise SystemExit(f"{run.name} ended by itself, with {process.returncode}.")
