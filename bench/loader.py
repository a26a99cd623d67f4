"""How fast windows are read, beside other ways; how long a training step waits for them."""

import os
import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import torch

from bench._loader_files import FAMILIES, FRAMES, SPACE, Files, made
from bench._loader_methods import HISTORY, Method, methods
from matey_core.augmentations import AUGMENTATIONS
from matey_core.data import Loader, Mixture, Windows
from matey_core.store import open_store

ROUNDS = 9
SECONDS = 0.25
"""Of one method in one round; all methods take turns, so that others' work hits all alike."""
SLOTS = 16
"""Windows of the batch that is read into."""
STEPS, STEP_SECONDS, BATCH = 60, 0.05, 16


def rows() -> Iterator[dict[str, object]]:
    for family in FAMILIES:
        with made(family) as files:
            yield from _reading(files)
            if family is FAMILIES[0]:
                yield from _reading(files, cold=True)
            yield from _waiting(files)


def _reading(files: Files, *, cold: bool = False) -> Iterator[dict[str, object]]:
    """Windows a second of every method, and medians of its ratios to others in each round."""
    fields = files.family.fields
    # Torch aligns its memory; a plain NumPy array would slow down all copies alike.
    out = torch.empty(SLOTS, HISTORY, fields, *SPACE).numpy()
    with methods(files) as known:
        names = [name for name in known if not cold or name in ("h5py", "numpy.memmap", "matey")]
        _check({name: known[name] for name in names}, out)
        speeds: dict[str, list[float]] = {name: [] for name in names}
        for number in range(3 if cold else ROUNDS):
            for name in names:
                if cold:
                    _forget(files)
                speed = _speed(known[name], out, files.family.samples, seed=number)
                speeds[name].append(speed)
    for name, found in speeds.items():
        yield {
            "question": "random windows",
            "source": files.family.name,
            "window": f"{HISTORY}×{fields}×{SPACE[0]}×{SPACE[1]}",
            "is_cached": not cold,
            "method": name,
            "windows_per_second": round(median(found)),
            "of_h5py": _ratio(found, speeds["h5py"]),
            "of_memmap": _ratio(found, speeds["numpy.memmap"]),
        }


def _ratio(one: list[float], other: list[float]) -> float:
    return float(f"{median(a / b for a, b in zip(one, other, strict=True)):.3g}")


def _check(known: dict[str, Method], out: np.ndarray) -> None:
    """Make sure that all methods read the same."""
    for number, method in enumerate(known.values()):
        method(out[number % 2], 3, 17)
        assert np.array_equal(out[0], out[number % 2])


def _speed(method: Method, out: np.ndarray, samples: int, *, seed: int) -> float:
    rng = np.random.default_rng(seed)
    places = zip(
        rng.integers(0, samples, 20_000).tolist(),
        rng.integers(0, FRAMES - HISTORY, 20_000).tolist(),
        strict=True,
    )
    began, number = time.perf_counter(), 0
    for number, (sample, start) in enumerate(places, 1):
        method(out[number % SLOTS], sample, start)
        if time.perf_counter() - began > SECONDS:
            break
    return number / (time.perf_counter() - began)


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
    noise = AUGMENTATIONS["noise"](0.3)
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
        next(batches)
        began = time.perf_counter()
        for _ in range(STEPS):
            step()
            asked = time.perf_counter()
            next(batches)
            waits.append(time.perf_counter() - asked)
        total = time.perf_counter() - began
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
