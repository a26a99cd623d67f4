"""How many trajectories a second each solver makes, beside the plain NumPy or SciPy way.

With one process, which uses all cores, and with one a core, as `matey simulate` does.

python -m bench simulators, or python -m bench.simulators NAME ... [--compile] [--device cuda]
"""

import argparse
import importlib
import json
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

import bench.plain
from bench._side_by_side import side_by_side
from matey_core.simulators import (
    PRECISIONS,
    SIMULATORS,
    Batch,
    Precision,
    Sample,
    Simulator,
)
from matey_core.simulators._integrate import collate
from matey_core.simulators._memory import keep_memory

GRIDS = {1: (256, 1024), 2: (64, 128), 3: (16, 32)}
"""Cells along x, by number of axes."""
BATCHES = (1, 16)
ON_GPU = (16, 256)
PLAIN = {module.name for module in pkgutil.iter_modules(bench.plain.__path__)}

Plain = Callable[[Simulator, Sample], np.ndarray]


def rows() -> Iterator[dict[str, object]]:
    for name in SIMULATORS.names():
        yield from rows_of(name)


def rows_of(
    name: str,
    grids: Sequence[int] = (),
    *,
    batches: Sequence[int] = (),
    device: str = "cpu",
    compiled: bool = False,
    **settings: object,
) -> Iterator[dict[str, object]]:
    """Measure one solver: the plain way, then ours with one sample and with several.

    Args:
        name: of the simulator.
        grids: cells along x; by default those that fit the number of axes.
        batches: trajectories stepped together; by default those that fit the device.
        device: where ours runs.
        compiled: measure compiled steps as well.
        settings: of the simulator's own.
    """
    keep_memory()
    kind = SIMULATORS[name]
    axes = kind(**settings).build().spec.grid.num_axes
    batches = batches or (BATCHES if device == "cpu" else ON_GPU)
    for grid in grids or GRIDS[axes]:
        config = kind(grid=grid, **settings)
        simulator = config.build()
        plain: float | None = None
        expected: np.ndarray | None = None
        if name in PLAIN and device == "cpu":
            expected, plain = _plain(name, simulator)
            yield _row(name, simulator, "plain, float64", 1, plain)
        trials = [(batch, "float32", False) for batch in batches]
        trials += [(batches[-1], "float64", False)] if device != "cpu" else []
        trials += [(batches[-1], "float32", True)] if compiled else []
        for batch, precision, is_compiled in trials:
            solution, seconds = _ours(simulator, batch, precision, device, compiled=is_compiled)
            method = f"matey, {precision}{', compiled' if is_compiled else ''}"
            row = _row(name, simulator, method, batch, seconds)
            if plain is not None and expected is not None:
                row["times_plain"] = plain * batch / seconds
                row["difference"] = _distance(solution, expected)
            yield row
        if device == "cpu":
            row = _row(name, simulator, "matey, float32, one process a core", batches[-1], 1.0)
            rate = side_by_side(config, batches[-1])
            row["trajectories_per_second"] = rate
            if plain is not None:
                row["times_plain"] = plain * rate
            yield row


def _row(
    name: str, simulator: Simulator, method: str, batch: int, seconds: float
) -> dict[str, object]:
    return {
        "simulator": name,
        "grid": simulator.spec.grid.shape,
        "frames": simulator.num_frames,
        "method": method,
        "batch": batch,
        "trajectories_per_second": batch / seconds,
    }


def _sample(simulator: Simulator, seed: int) -> Sample:
    return simulator.sample(np.random.RandomState(seed))


def _plain(name: str, simulator: Simulator) -> tuple[np.ndarray, float]:
    solve: Plain = importlib.import_module(f"bench.plain.{name}").trajectory
    sample = _sample(simulator, 0)
    began = time.perf_counter()
    return solve(simulator, sample), time.perf_counter() - began


def _ours(
    simulator: Simulator, batch: int, precision: Precision, device: str, *, compiled: bool
) -> tuple[np.ndarray, float]:
    """Solve a batch; the first sample's frames and the time it took."""
    samples = [_sample(simulator, seed) for seed in range(batch)]
    problems = collate(samples, PRECISIONS[precision], device)
    if compiled:
        simulator.compile()
        _solve(simulator, problems)
    began = time.perf_counter()
    kept = _solve(simulator, problems)
    if device != "cpu":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    return torch.stack(kept).cpu().numpy(), seconds


def _solve(simulator: Simulator, problems: Batch) -> list[torch.Tensor]:
    return [simulator.observe(states, problems)[0] for states in simulator.frames(problems)]


def _distance(ours: np.ndarray, plain: np.ndarray) -> float:
    """Relative L2 distance of the last frames: both must have solved the same thing."""
    return float(np.linalg.norm(ours[-1] - plain[-1]) / np.linalg.norm(plain[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--grid", type=int, action="append", default=[])
    parser.add_argument("--batch", type=int, action="append", default=[])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.names or SIMULATORS.names():
        for row in rows_of(
            name,
            arguments.grid,
            batches=arguments.batch,
            device=arguments.device,
            compiled=arguments.compile,
        ):
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
