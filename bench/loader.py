"""How fast windows are read, beside other ways; how long a training step waits for them."""

import gc
import os
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import torch

from bench._loader_files import FAMILIES, FRAMES, SPACE, Files, made
from bench._loader_methods import HISTORY, Method, methods
from matey_core.augmentations.noise import Noise
from matey_core.data import Loader, Mixture, Windows
from matey_core.store import open_store

ROUNDS, COLD_ROUNDS = 9, 5
SECONDS = 0.25
"""Of one method in one round; all methods take turns, so that others' work hits all alike."""
SLOTS = 16
"""Windows of the batch that is read into."""
COLD = ("h5py", "numpy.memmap", "matey", "matey, announced")
"""Methods that are also compared where the operating system has forgotten the files."""
STEPS, STEP_SECONDS, BATCH = 60, 0.05, 16


def rows() -> Iterator[dict[str, object]]:
    for family in FAMILIES:
        with made(family) as files:
            yield from _reading(files)
            if family is FAMILIES[0]:
                yield from _reading_from_disk(files)
            yield from _waiting(files)


def _reading(files: Files) -> Iterator[dict[str, object]]:
    """Windows a second where the files are in memory: all methods take turns."""
    out = _buffer(files)
    with methods(files) as known:
        _check(known, out)
        speeds: dict[str, list[float]] = {name: [] for name in known}
        for number in range(ROUNDS):
            for name, method in known.items():
                speeds[name].append(_speed(method, out, files.family.samples, seed=number))
    yield from _compared(files, speeds, is_cached=True)


def _reading_from_disk(files: Files) -> Iterator[dict[str, object]]:
    """Windows a second where they are not: what is mapped by nobody can be forgotten."""
    out = _buffer(files)
    speeds: dict[str, list[float]] = {name: [] for name in COLD}
    for number in range(COLD_ROUNDS):
        for name in COLD:
            gc.collect()
            _forget(files)
            with methods(files) as known:
                method = known[name]
                speeds[name].append(_speed(method, out, files.family.samples, seed=number))
                del method, known
    yield from _compared(files, speeds, is_cached=False)


def _buffer(files: Files) -> np.ndarray:
    """Make room for a batch, aligned by Torch: NumPy's own slows all copies down."""
    return torch.empty(SLOTS, HISTORY, files.family.fields, *SPACE).numpy()


def _compared(
    files: Files, speeds: dict[str, list[float]], *, is_cached: bool
) -> Iterator[dict[str, object]]:
    """Medians, and medians of the ratios in each round."""
    for name, found in speeds.items():
        yield {
            "question": "random windows",
            "source": files.family.name,
            "window": f"{HISTORY}×{files.family.fields}×{SPACE[0]}×{SPACE[1]}",
            "is_cached": is_cached,
            "method": name,
            "windows_per_second": round(median(found)),
            "of_h5py": _ratio(found, speeds["h5py"]),
            "of_memmap": _ratio(found, speeds["numpy.memmap"]),
        }


def _ratio(one: list[float], other: list[float]) -> float:
    return float(f"{median(a / b for a, b in zip(one, other, strict=True)):.3g}")


def _check(known: dict[str, Method], out: np.ndarray) -> None:
    """Make sure that all methods read the same."""
    places = [(number % 7, 3 * number) for number in range(SLOTS)]
    first = None
    for method in known.values():
        out[:] = np.nan
        method(out, places)
        first = out.copy() if first is None else first
        assert np.array_equal(out, first)


def _speed(method: Method, out: np.ndarray, samples: int, *, seed: int) -> float:
    rng = np.random.default_rng(seed)
    spent, batches = 0.0, 0
    while spent < SECONDS:
        chosen = rng.integers(0, samples, SLOTS), rng.integers(0, FRAMES - HISTORY, SLOTS)
        places = list(zip(*(part.tolist() for part in chosen), strict=True))
        began = time.perf_counter()
        method(out, places)
        spent += time.perf_counter() - began
        batches += 1
    return batches * SLOTS / spent


def _forget(files: Files) -> None:
    """Have the operating system forget the files, where it can."""
    for path in (files.source, *files.plain.rglob("*")):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _waiting(files: Files) -> Iterator[dict[str, object]]:
    """Share of the time that steps of 50 ms wait for their batch."""
    steps = {"sleep": lambda: time.sleep(STEP_SECONDS), "matmul": _busy_step()}
    noise = Noise(0.3)
    for layout, path in (("none", files.plain), ("lz4", files.lz4)):
        for kind, step in steps.items():
            for augment in (None, noise):
                for workers in (0, 2):
                    store = open_store(path)
                    windows = Windows(store, range(store.num_samples), history=HISTORY, max_lead=4)
                    mixture = Mixture([windows], batch_size=BATCH, seed=0, augment=augment)
                    yield {
                        "question": "waiting",
                        "source": files.family.name,
                        "compression": layout,
                        "augmentation": "noise" if augment else "none",
                        "step": f"{STEP_SECONDS * 1000:.0f} ms of {kind}",
                        "batch": BATCH,
                        "workers": workers,
                        **_wait(mixture, step, workers),
                    }


def _wait(mixture: Mixture, step: Callable[[], None], workers: int) -> dict[str, float]:
    waits = []
    with Loader(mixture, steps=STEPS + 2, workers=workers) as batches:
        batch = next(batches)
        began = time.perf_counter()
        for _ in range(STEPS):
            step()
            asked = time.perf_counter()
            following = next(batches)
            waits.append(time.perf_counter() - asked)
            batch = following
        total = time.perf_counter() - began
    assert batch.size == BATCH
    return {
        "share_waiting": float(f"{sum(waits) / total:.3g}"),
        "longest_wait_ms": float(f"{1000 * max(waits):.3g}"),
    }


def _busy_step() -> Callable[[], None]:
    """As many matrix products as take one step."""
    matrix = torch.randn(768, 768)

    def products(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            matrix @ matrix
        return time.perf_counter() - began

    each = min(products(5) for _ in range(5)) / 5
    count = max(1, round(STEP_SECONDS / each))

    def step() -> None:
        products(count)

    return step
