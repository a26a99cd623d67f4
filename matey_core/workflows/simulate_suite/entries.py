"""What the suites consist of: every time-dependent family of PDEBench, and the two new tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scale = Literal["tiny", "small", "paper"]
Use = Literal["pretraining", "finetuning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of a suite."""

    use: Use
    simulator: str
    samples: int
    grid: int | None = None
    """Cells along x; None: as published."""
    steps: int | None = None
    """Frames after the start; None: as published."""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """How large each family is in a suite; None: as published."""

    samples: int
    line: int | None
    """Cells of the 1D families."""
    plane: int | None
    space: int | None
    steps: int | None = None
    """Of the families with many frames."""
    flow_samples: int = 0
    """Of each compressible flow in two dimensions."""
    tasks: int = 0
    """Samples of the fine-tuning tasks."""


SIZES: Mapping[Scale, _Size] = {
    "tiny": _Size(samples=12, line=256, plane=64, space=16, steps=40, flow_samples=12, tasks=12),
    "small": _Size(samples=100, line=1024, plane=128, space=32, flow_samples=100, tasks=40),
    "paper": _Size(samples=1000, line=None, plane=None, space=None, flow_samples=10_000, tasks=200),
}
FLOWS = (
    ("random", 0.1, 0.01),
    ("random", 1.0, 0.01),
    ("random", 0.1, 0.1),
    ("random", 1.0, 0.1),
    ("turbulence", 0.1, 1e-8),
    ("turbulence", 1.0, 1e-8),
)
"""Start, Mach number and viscosity of the published compressible flows in two dimensions."""


def _members(size: _Size) -> Iterator[Member]:
    def member(simulator: str, grid: int | None, **settings: Any) -> Member:
        return Member(
            use="pretraining",
            simulator=simulator,
            samples=size.samples,
            grid=grid,
            steps=size.steps,
            settings=settings,
        )

    yield member("advection_1d", size.line, beta=0.4)
    yield member("burgers_1d", size.line, nu=0.01)
    yield member("reaction_diffusion_1d", size.line, nu=0.5, rho=1.0)
    yield member("compressible_flow", size.line, dimension=1, eta=0.1, zeta=0.1)
    yield member("diffusion_reaction", size.plane)
    yield member("shallow_water", size.plane)
    yield member("incompressible_flow", size.plane)
    for start, mach, viscosity in FLOWS:
        yield Member(
            use="pretraining",
            simulator="compressible_flow",
            samples=size.flow_samples,
            grid=size.plane,
            settings={"start": start, "mach": mach, "eta": viscosity, "zeta": viscosity},
        )
    yield Member(
        use="pretraining",
        simulator="compressible_flow",
        samples=size.samples // 10 or 1,
        grid=size.space,
        settings={"dimension": 3, "start": "random", "mach": 1.0, "eta": 1e-8, "zeta": 1e-8},
    )
    for task in ("colliding_thermals", "mhd_cavity"):
        yield Member(use="finetuning", simulator=task, samples=size.tasks, grid=size.plane)


SUITES: Mapping[Scale, tuple[Member, ...]] = {
    scale: tuple(_members(size)) for scale, size in SIZES.items()
}
