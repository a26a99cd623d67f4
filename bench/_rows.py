"""What every row says about where it was measured."""

import datetime
import os
import platform
import re
from pathlib import Path

import torch

import matey_core


def machine() -> dict[str, str | int]:
    """Name the processor and the versions; `name` is fit for a file name."""
    processor = _processor()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {
        "name": re.sub(r"[^a-z0-9]+", "-", f"{processor} {device}".lower()).strip("-"),
        "processor": processor,
        "device": device,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "matey": matey_core.__version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"model name\s*: (.*)", info.read_text())):
        return found[1]
    return platform.processor() or platform.machine()
