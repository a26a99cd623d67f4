"""Converting a 4 GiB file against `cp` of it: throughput, and memory at two sizes."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

GIB = 2**30
FRAMES, POINTS = 101, 128
SIZES = (GIB, 4 * GIB)
"""Bytes of the small and the large file."""
REPEATS = 5


def rows() -> Iterator[dict[str, Any]]:
    """Measure in a temporary folder, on the disk that holds temporary files."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            source = make(Path(folder) / f"2D_rdb_{size // GIB}.h5", size)
            yield compare(source, Path(folder))
            source.unlink()


def make(path: Path, size: int) -> Path:
    """Write shallow-water-like groups, contiguous and not compressed, all trajectories distinct."""
    samples = size // (FRAMES * POINTS**2 * 4)
    rng = np.random.default_rng(0)
    axis = np.linspace(-2.5, 2.5, POINTS, dtype="f4")
    with h5py.File(path, "w") as file:
        for sample in range(samples):
            group = file.create_group(f"{sample:04d}")
            group["data"] = 1 + rng.random((FRAMES, POINTS, POINTS, 1), dtype="f4")
            group["grid/x"] = group["grid/y"] = axis
            group["grid/t"] = np.linspace(0, 1, FRAMES, dtype="f4")
    return path


def compare(source: Path, folder: Path) -> dict[str, Any]:
    """Copy and convert in turn; the first of both, which find memory untouched, do not count."""
    copying, converting, checking, peaks = [], [], [], []
    for _ in range(REPEATS + 1):
        copying.append(copy(source, folder / "copy"))
        seconds, peak = convert(source, folder / "zarr", "--no-check")
        converting.append(seconds)
        peaks.append(peak)
        checking.append(convert(source, folder / "zarr")[0])
    ratios = [a / b for a, b in zip(copying[1:], converting[1:], strict=True)]
    checked = [a / b for a, b in zip(copying[1:], checking[1:], strict=True)]
    return {
        "case": f"shallow water, {source.stat().st_size / GIB:.2f} GiB, uncompressed, 2 workers",
        "cp_s": round(statistics.median(copying[1:]), 2),
        "prepare_s": round(statistics.median(converting[1:]), 2),
        "throughput_over_cp": round(statistics.median(ratios), 2),
        "throughput_over_cp_all": [round(ratio, 2) for ratio in ratios],
        "with_check_over_cp": round(statistics.median(checked), 2),
        "peak_rss_gib": round(max(peaks) / GIB, 2),
    }


def copy(source: Path, target: Path) -> float:
    """Seconds that `cp` takes."""
    os.sync()
    began = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def convert(source: Path, out: Path, *options: str) -> tuple[float, int]:
    """Seconds that `matey prepare` takes, and the peak of what all its processes hold."""
    os.sync()
    command = [sys.executable, "-m", "matey_cli", "prepare", "pdebench", str(source), "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--out", str(out), "--workers", "2", *options],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    if process.wait():
        raise SystemExit("prepare failed")
    seconds = time.perf_counter() - began
    watcher.join()
    shutil.rmtree(out)
    return seconds, peak


def resident(session: int) -> int:
    """Bytes that the processes of a session hold, shared libraries counted in each."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total
