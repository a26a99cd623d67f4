"""The steady operators: the page docs/simulators/steady.md."""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bench.validation import Picture, Result
from bench.validation._compare import relative, solve
from bench.validation._static import table
from matey_core.simulators import SIMULATORS, Precision, Sample

NAMES = ("poisson", "advection_diffusion", "helmholtz")
RATIOS = (0.2, 1.0, 2.0, 5.0)
PROBLEMS = 100


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Put solutions into their equations; check the published constraints."""
    del shared
    yield _picture()
    for name in NAMES:
        samples, states = _solved(name, range(16))
        found = [_residual(name, s.parameters, *f) for s, f in zip(samples, states, strict=True)]
        yield Result(
            against=f"{name}, 16 samples at 128²: residual of the equation with NumPy's complex "
            "transform, relative to the source",
            measured=f"{max(found):.1e}",
            limit="rounding",
        )
        plain = importlib.import_module(f"bench.plain.{name}").trajectory
        direct = plain(SIMULATORS[name]().build(), samples[0])[-1, 1]
        _, single = _solved(name, range(16), precision="float32")
        yield Result(
            against=f"{name}: a plain NumPy solution; and float32 against float64",
            measured=f"{relative(states[0, 1], direct, axes=2):.1e}; "
            f"{relative(single[:, 1], states[:, 1], axes=2).max():.1e}",
            limit="rounding; of Helmholtz near a resonance, amplified",
        )
        _, fine = _solved(name, range(4), grid=384)
        coarse, same = states[:4, 1], fine[:, 1, 1::3, 1::3]
        yield Result(
            against=f"{name}: the same seeds at 128² and 384²",
            measured=f"{relative(coarse, same, axes=2).max():.1e}",
            limit="bumps are cut at the border, where they are 4e-6",
        )
    for ratio in RATIOS:
        yield _mean_ratio(ratio)
    samples, states = _solved("helmholtz", range(PROBLEMS))
    drawn = sorted({sample.parameters["omega"] for sample in samples})
    yield Result(
        against=f"helmholtz, {PROBLEMS} samples: largest absolute value of u; ω that occur",
        measured=f"{np.abs(states[:, 1]).max():.3f}; {', '.join(f'{w:g}' for w in drawn)}",
        limit="2; ω = 2 is next to the resonance 0.01 (2π)² · 5 = 1.974",
    )


def _solved(
    name: str,
    seeds: range,
    *,
    grid: int = 128,
    precision: Precision = "float64",
    **settings: float,
) -> tuple[list[Sample], np.ndarray]:
    """Samples and their last frames (b, 2, x, y)."""
    simulator = SIMULATORS[name].model_validate({"grid": grid, **settings}).build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in seeds]
    return samples, solve(simulator, samples, precision)[:, -1].astype(np.float64)


def _terms(name: str, p: Mapping[str, float], u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Diffusion, and the other term."""
    waves = 2j * np.pi * np.fft.fftfreq(len(u), 1 / len(u))
    modes, x, y = np.fft.fft2(u), waves[:, None], waves[None]

    def apply(symbol: np.ndarray) -> np.ndarray:
        return np.fft.ifft2(modes * symbol).real

    if name == "helmholtz":
        return apply(-0.01 * (x**2 + y**2)), -p["omega"] * u
    diffusion = apply(-(p["k11"] * x**2 + 2 * p["k12"] * x * y + p["k22"] * y**2))
    other = apply(p["v1"] * x + p["v2"] * y) if "v1" in p else np.zeros_like(u)
    return diffusion, other


def _residual(name: str, p: Mapping[str, float], source: np.ndarray, u: np.ndarray) -> float:
    return float(np.linalg.norm(sum(_terms(name, p, u)) - source) / np.linalg.norm(source))


def _mean_ratio(ratio: float) -> Result:
    name = "advection_diffusion"
    samples, states = _solved(name, range(PROBLEMS), grid=64, ratio=ratio)
    found = []
    for sample, (_, u) in zip(samples, states, strict=True):
        diffusion, advection = _terms(name, sample.parameters, u)
        found.append(np.linalg.norm(advection) / np.linalg.norm(diffusion))
    error = np.std(found) / np.sqrt(PROBLEMS)
    return Result(
        against=f"{name}, target {ratio:g}: mean of ‖v·∇u‖ / ‖∇·(K∇u)‖ over {PROBLEMS} new "
        "samples; smallest and largest",
        measured=f"{np.mean(found):.3f} ± {error:.3f}; {min(found):.2f}, {max(found):.2f}",
        limit="the target, within two standard errors",
    )


def _picture() -> Picture:
    fields = [_solved(name, range(1))[1][0] for name in NAMES]
    rows = [[field[channel].T for field in fields] for channel in (0, 1)]
    return Picture(
        name="samples",
        caption="Source and solution of one sample of each operator.",
        figure=table(rows, NAMES, ("source", "solution")),
    )
