"""Every equation is that of the simulator of its name, and refuses what it does not fit."""

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from matey_core.equations import (
    EQUATIONS,
    equation_of,
    filtered,
    imbalance,
    known_equation,
    solution,
    step,
)
from matey_core.equations._in_time import _phi
from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec
from matey_core.simulators import SIMULATORS
from matey_core.simulators._integrate import collate

NAMES = EQUATIONS.names()
STEADY = tuple(name for name in NAMES if EQUATIONS[name].source)
EXACT = ("advection_1d", "advection_2d", "heat_2d")
SAMPLES = 3


class Frames(NamedTuple):
    """Two frames of some samples, and what is known of them."""

    spec: FieldSpec
    before: Tensor
    after: Tensor
    known: Mapping[str, Tensor]

    @property
    def interval(self) -> Tensor:
        return self.before.new_full((len(self.before), *[1] * (self.before.ndim - 1)), self.dt)

    @property
    def dt(self) -> float:
        return self.spec.time_step


@functools.cache
def simulated(name: str, **settings: float) -> Frames:
    """The last two frames of each sample; of a steady problem the solution, its source known."""
    frames = 3 if name not in STEADY else 2
    simulator = SIMULATORS[name].model_validate({"frames": frames, **settings}).build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in (1, 2, 5)]
    batch = collate(samples, torch.float64, "cpu")
    *_, before, after = (simulator.observe(states, batch) for states in simulator.frames(batch))
    spec, known = simulator.spec, {key: each.flatten() for key, each in batch.parameters.items()}
    if name in STEADY:
        spec = replace(spec, fields=spec.fields[1:])
        known["source"], before, after = after[:, 0], before[:, 1:], after[:, 1:]
    return Frames(spec, before, after, known)


def size(values: Tensor) -> Tensor:
    return values.flatten(1).square().mean(1).sqrt()


def off(frames: Frames) -> Tensor:
    """(b,) by how much the equation is not satisfied, relative to the change or the source."""
    equation = known_equation(frames.spec, frames.known)
    if source := equation.equation.source:
        wanted = frames.known[source][:, None]
        return size(filtered(frames.after, equation.linear(frames.after)) - wanted) / size(wanted)
    rest = imbalance(equation, frames.before, frames.after, frames.interval)
    return size(rest) / size(frames.after - frames.before)


SMALL: dict[str, dict[str, float]] = {
    "advection_1d": {"grid": 128, "interval": 0.1, "beta": 0.4},
    "advection_2d": {"grid": 32, "interval": 0.2},
    "heat_2d": {"grid": 32, "interval": 0.5},
    "advection_diffusion": {"grid": 32},
    "helmholtz": {"grid": 32},
    "poisson": {"grid": 32},
    "burgers_1d": {"grid": 128, "interval": 0.002, "nu": 1.0},
    "burgers_2d": {"grid": 64, "interval": 0.02, "nu": 0.05},
    "reaction_diffusion_1d": {"grid": 256, "interval": 0.002, "nu": 0.02, "rho": 5.0},
    "vorticity": {"grid": 24, "interval": 0.05, "nu": 1e-3},
}


@pytest.mark.parametrize("name", STEADY)
def test_a_problem_without_time_is_solved_as_by_the_simulator(name: str) -> None:
    frames = simulated(name, **SMALL[name])
    found = solution(known_equation(frames.spec, frames.known), frames.known["source"][:, None])
    assert (size(found - frames.after) / size(frames.after)).max() < 1e-12


FINER: dict[str, dict[str, float]] = {
    "burgers_1d": {"grid": 256},
    "burgers_2d": {"grid": 128},
    "reaction_diffusion_1d": {"grid": 512},
    "vorticity": {"interval": 0.025},
}
"""What makes up for the error of a solver in space, or for that of the rule in time."""
WORSE = {"burgers_1d": 100, "burgers_2d": 40, "reaction_diffusion_1d": 30, "vorticity": 1e5}
"""How many times as far off an equation is with another constant; 1e9 where it is exact."""


@pytest.mark.parametrize("name", [*EXACT, *STEADY])
def test_what_is_solved_exactly_satisfies_it_at_any_interval(name: str) -> None:
    assert off(simulated(name, **SMALL[name])).max() < 1e-12


@pytest.mark.parametrize(("name", "order"), [(name, 2 + (name == "vorticity")) for name in FINER])
def test_what_is_left_of_it_shrinks_by_the_order_of_solver_and_rule(name: str, order: int) -> None:
    """Finite volumes are of second order in space; the rule, relative to a change, of third."""
    coarse, fine = (off(simulated(name, **SMALL[name] | each)) for each in ({}, FINER[name]))
    assert fine.max() < 7e-3
    assert math.log2((coarse / fine).min()) > order - 0.4


@pytest.mark.parametrize("name", NAMES)
def test_no_other_constant_satisfies_it(name: str) -> None:
    frames = simulated(name, **SMALL[name] | FINER.get(name, {}))
    for constant in EQUATIONS[name].parameters:
        known = {**frames.known, constant: 2 * frames.known[constant]}
        factor = off(frames._replace(known=known)) / off(frames)
        assert factor.min() > WORSE.get(name, 1e9), constant


@pytest.mark.parametrize("name", NAMES)
def test_it_is_found_by_what_a_store_holds_and_by_its_name(name: str) -> None:
    frames = simulated(name, **SMALL[name])
    more = {**frames.known, "mask": frames.before[:, 0], "seed": torch.ones(SAMPLES)}
    assert equation_of(frames.spec, more).name == name
    assert equation_of(frames.spec, more, name) is EQUATIONS[name]
    missing = {key: each for key, each in more.items() if key != EQUATIONS[name].parameters[-1]}
    with pytest.raises(ConfigError, match=f"{name} does not fit {frames.spec.dataset}"):
        equation_of(frames.spec, missing, name)


def test_where_none_fits_all_are_listed() -> None:
    frames = simulated("heat_2d", **SMALL["heat_2d"])
    with pytest.raises(ConfigError, match="None of the equations that are known fits 2D_Heat") as e:
        equation_of(frames.spec, {"kappa": frames.known["nu"]})
    assert "predicts temperature on x, y, and has kappa" in str(e.value)
    for name in NAMES:
        assert f"{name} ({EQUATIONS[name].fields[0]}" in e.value.remedy
    assert "solution on x, y; source given, omega" in e.value.remedy
    with pytest.raises(
        ConfigError, match="unknown name 'heat2d' in equations; names are advection_1d"
    ):
        equation_of(frames.spec, frames.known, "heat2d")


def test_a_bounded_axis_is_refused() -> None:
    frames = simulated("heat_2d", **SMALL["heat_2d"])
    grid = replace(frames.spec.grid, boundary=("periodic", "no_flux"))
    with pytest.raises(
        ConfigError, match=r"heat_2d is known on periodic axes alone.* along y"
    ) as e:
        equation_of(replace(frames.spec, grid=grid), frames.known)
    assert "--boundary y=periodic" in e.value.remedy


@pytest.mark.parametrize("name", NAMES)
def test_order_of_fields_and_axes_does_not_matter(name: str) -> None:
    frames = simulated(name, **SMALL[name])
    spec = frames.spec
    grid = replace(spec.grid, axes=spec.grid.axes[::-1], shape=spec.grid.shape[::-1])
    space = tuple(range(2, 2 + grid.num_axes))[::-1]

    def turned(values: Tensor) -> Tensor:
        return values.flip(1).permute(0, 1, *space)

    known = {key: each.mT if key == "source" else each for key, each in frames.known.items()}
    other = Frames(
        replace(spec, grid=grid, fields=spec.fields[::-1]),
        turned(frames.before) + 0.1,
        turned(frames.after),
        known,
    )
    torch.testing.assert_close(off(other), off(frames._replace(before=frames.before + 0.1)))


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(STEADY)))
def test_it_has_a_gradient_and_an_explicit_step_of_first_order(name: str) -> None:
    frames = simulated(name, **SMALL[name])
    equation = known_equation(frames.spec, frames.known)
    errors = []
    for part in (0.1, 0.05):
        after = frames.before + step(equation, frames.before, part * frames.interval)
        errors.append(size(imbalance(equation, frames.before, after, part * frames.interval)))
    if equation.equation.rest is None:
        assert errors[0].max() < 1e-12
    else:
        assert math.log2((errors[0] / errors[1]).min()) > 1.6
    small = [values[..., :6] if values.ndim == 3 else values[..., :6, :6] for values in frames[1:3]]
    spec = replace(frames.spec, grid=replace(frames.spec.grid, shape=small[0].shape[2:]))
    tiny = known_equation(spec, frames.known)
    before, after = (values.clone().requires_grad_() for values in small)
    assert torch.autograd.gradcheck(
        lambda u, v: imbalance(tiny, u, v, frames.interval), (before, after), fast_mode=True
    )


@pytest.mark.parametrize("z", [-30.0, -1.0, -0.051, -0.049, 0.0, 0.3j, 0.049j, 2 - 3j])
def test_phi_functions_are_those_of_a_matrix_exponential(z: complex) -> None:
    matrix = torch.diag(torch.ones(3, dtype=torch.complex128), 1)
    matrix[0, 0] = z
    exact = torch.linalg.matrix_exp(matrix)[0, 1:]
    for order in (1, 2, 3):
        found = _phi(torch.tensor([z], dtype=torch.complex128), order)
        assert abs(found.item() - exact[order - 1].item()) < 1e-12
    low = _phi(torch.tensor([z.real], dtype=torch.float32), 3)
    assert low.dtype == torch.float32
