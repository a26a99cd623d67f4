"""Forced incompressible flow against the published file, and how far its own scheme explains it."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import torch
from torch import Tensor

from bench.validation import Picture, Result
from bench.validation._compare import panels
from matey_core.simulators import Batch, _tracer
from matey_core.simulators.incompressible_flow import IncompressibleFlow, IncompressibleFlowConfig

FILE = "data/pdebench/2D/NS_incom/ns_incom_inhom_2d_128-0.h5"
SHOWN = (2, 11, 21, 51, 99)


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Measure, from frames of the file in `shared`."""
    with h5py.File(shared / FILE) as file:
        theirs = np.concatenate([file["velocity"][0], file["particles"][0]], -1)
        force = np.moveaxis(file["force"][0], -1, 0)
    theirs = np.moveaxis(theirs, -1, 1).astype(np.float64)
    ours = _follow(theirs, force)
    fluid = _follow(theirs, force, force_acts_on="fluid", frames=50)
    with mock.patch.object(_tracer, "_flow", _first_order):
        diffusive = _follow(theirs, force)
    yield _row("Published file, from its frame 1, velocity", ours, theirs, slice(0, 2))
    yield _row("The same, scalar", ours, theirs, slice(2, 3))
    yield _row(
        "Scalar, carried by a first-order upwind scheme in our flow", diffusive, theirs, slice(2, 3)
    )
    yield _row(
        "Velocity, if the force acted on the fluid and not through the scalar",
        fluid,
        theirs,
        slice(0, 2),
    )
    energy = [(frames[-1, :2] ** 2).mean() / 2 for frames in (ours, theirs)]
    spread = [frames[-1, 2].std() for frames in (ours, diffusive, theirs)]
    yield Result(
        against="Kinetic energy in frame 99: ours, theirs",
        measured=f"{energy[0]:.4f}, {energy[1]:.4f}",
    )
    yield Result(
        against="Standard deviation of the scalar in frame 99 (1 at the start): ours, with "
        "first-order upwind, theirs",
        measured=", ".join(f"{value:.3f}" for value in spread),
    )
    yield from _resolutions()
    yield Picture(
        name="published",
        caption="Speed (above) and scalar (below) in frame 99, from frame 1 of the file.",
        figure=panels(
            [
                [np.hypot(*_halved(frames[-1])[:2]).T for frames in (ours, theirs)],
                [_halved(frames[-1])[2].T for frames in (ours, theirs)],
            ],
            ["matey", "published"],
            interpolation="nearest",
        ),
    )


def _follow(
    theirs: np.ndarray, force: np.ndarray, *, frames: int = 99, **settings: object
) -> np.ndarray:
    """Solve from frame 1; frames 1 to `frames`."""
    config = {"grid": theirs.shape[-1], "frames": frames, **settings}
    simulator = IncompressibleFlowConfig.model_validate(config).build()
    batch = Batch(
        states=simulator.start(torch.from_numpy(theirs[1:2])),
        parameters={"NU": torch.full((1, 1, 1), 0.01, dtype=torch.float64)},
        static=torch.from_numpy(force[None]).double(),
    )
    return _frames(simulator, batch)


def _frames(simulator: IncompressibleFlow, batch: Batch) -> np.ndarray:
    frames = [simulator.observe(states, batch)[0] for states in simulator.frames(batch)]
    return torch.stack(frames).numpy()


def _first_order(tracer: Tensor, speed: Tensor) -> Tensor:
    return torch.where(speed > 0, tracer[..., :-1], tracer[..., 1:]) * speed


def _row(against: str, ours: np.ndarray, theirs: np.ndarray, channels: slice) -> Result:
    shown = [frame for frame in SHOWN if frame <= len(ours)]
    figures = []
    for frame in shown:
        a, b = ours[frame - 1, channels], theirs[frame, channels]
        figures.append(f"{np.linalg.norm(a - b) / np.linalg.norm(b):.1%} ({frame})")
    return Result(against=f"{against}: relative L2 (frame)", measured=", ".join(figures))


def _resolutions() -> Iterator[Result]:
    """How far a drawn problem is from itself at twice the resolution."""
    last = {}
    for grid in (32, 64, 128):
        simulator = IncompressibleFlowConfig(grid=grid, frames=41).build()
        sample = simulator.sample(np.random.RandomState(0))
        assert sample.static is not None
        numbers = {"NU": torch.full((1, 1, 1), 0.01, dtype=torch.float64)}
        batch = Batch(states=sample.state[None], parameters=numbers, static=sample.static[None])
        last[grid] = _frames(simulator, batch)[-1]
    figures = []
    for grid in (32, 64):
        fine = _halved(last[2 * grid])
        far = [
            np.linalg.norm((last[grid] - fine)[part]) / np.linalg.norm(fine[part])
            for part in (slice(0, 2), slice(2, 3))
        ]
        figures.append(f"{far[0]:.1%}, {far[1]:.1%} ({grid}² and {2 * grid}²)")
    yield Result(
        against="The same seed at two resolutions, t = 0.2: relative L2 of velocity and scalar",
        measured="; ".join(figures),
        limit="shrinks with the cells",
    )


def _halved(frame: np.ndarray) -> np.ndarray:
    """Means of two by two cells."""
    fields, columns, rows = frame.shape
    return frame.reshape(fields, columns // 2, 2, rows // 2, 2).mean((2, 4))
