"""How many trajectories a second each solver makes, beside the plain NumPy or SciPy way."""

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

import bench.plain
from matey_core.simulators import PRECISIONS, SIMULATORS, Precision, Sample, Simulator
from matey_core.simulators._integrate import collate

GRIDS = (32, 64, 128)
BATCHES = (1, 16)
PLAIN = {module.name for module in pkgutil.iter_modules(bench.plain.__path__)}

Plain = Callable[[Simulator, Sample], np.ndarray]


def rows() -> Iterator[dict[str, object]]:
    for name in SIMULATORS.names():
        yield from rows_of(name)


def rows_of(name: str, grids: tuple[int, ...] = GRIDS) -> Iterator[dict[str, object]]:
    """Measure one solver: the plain way, then ours with one sample and with sixteen."""
    for grid in grids:
        simulator = SIMULATORS[name](grid=grid).build()
        plain: float | None = None
        expected: np.ndarray | None = None
        if name in PLAIN:
            expected, plain = _plain(name, simulator)
            yield _row(name, simulator, "plain, float64", 1, plain)
        for batch in BATCHES:
            solution, seconds = _ours(simulator, batch, "float32")
            row = _row(name, simulator, "matey, float32", batch, seconds)
            if plain is not None and expected is not None:
                row["times_plain"] = plain * batch / seconds
                row["difference"] = _distance(solution, expected)
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


def _ours(simulator: Simulator, batch: int, precision: Precision) -> tuple[np.ndarray, float]:
    """Solve a batch; the first sample's frames and the time it took."""
    samples = [_sample(simulator, seed) for seed in range(batch)]
    problems = collate(samples, PRECISIONS[precision], "cpu")
    began = time.perf_counter()
    kept = [simulator.observe(states, problems)[0] for states in simulator.frames(problems)]
    seconds = time.perf_counter() - began
    return torch.stack(kept).numpy(), seconds


def _distance(ours: np.ndarray, plain: np.ndarray) -> float:
    """Relative L2 distance of the last frames: both must have solved the same thing."""
    return float(np.linalg.norm(ours[-1] - plain[-1]) / np.linalg.norm(plain[-1]))
