"""Physics does not notice a mirror, a turn or a shift, whatever the grid.

Derivatives are central differences in a periodic box; each equation is stepped and changed in
both orders.
"""

from collections.abc import Callable

import hypothesis.strategies as st
import torch
from hypothesis import given, settings
from torch import Tensor

from matey_core.augmentations import AUGMENTATIONS
from matey_core.augmentations._symmetries import symmetries
from matey_core.batches import FieldBatch
from matey_core.fields import Boundary, FieldSpec, Grid
from matey_core.quantities import known_fields

AXES = "xyz"
SHAPES = st.one_of(
    st.lists(st.integers(3, 6), min_size=1, max_size=3),
    st.tuples(st.integers(1, 3), st.integers(3, 6)).map(lambda pair: [pair[1]] * pair[0]),
).map(tuple)

FEW = settings(max_examples=20)
"""Every example goes through up to 48 symmetries."""


def spec_of(shape: tuple[int, ...], *names: str) -> FieldSpec:
    axes = tuple(AXES[: len(shape)])
    boundary: tuple[Boundary, ...] = ("periodic",) * len(axes)
    grid = Grid(axes=axes, shape=shape, spacing=(1.0,) * len(axes), boundary=boundary)
    return FieldSpec(fields=known_fields(names), grid=grid, time_step=1.0)


def vector(name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"{name}_{axis}" for axis in AXES[: len(shape)])


def noise(spec: FieldSpec, seed: int) -> Tensor:
    """(1, c, *space) float64."""
    generator = torch.Generator().manual_seed(seed)
    shape = (1, len(spec.fields), *spec.grid.shape)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def slope(field: Tensor, axis: int) -> Tensor:
    """∂f/∂x of (*space) fields."""
    return (field.roll(-1, axis) - field.roll(1, axis)) / 2


def laplacian(field: Tensor) -> Tensor:
    """∇²f of (*space) fields."""
    parts = [field.roll(1, d) + field.roll(-1, d) - 2 * field for d in range(field.ndim)]
    return torch.stack(parts).sum(0)


def curl(field: Tensor) -> Tensor:
    """∇ × of a (c, *space) vector: (1, *space) in 2D, (3, *space) in 3D."""
    if len(field) == 2:
        return (slope(field[1], 0) - slope(field[0], 1))[None]
    pairs = ((1, 2), (2, 0), (0, 1))
    return torch.stack([slope(field[b], a) - slope(field[a], b) for a, b in pairs])


def same_in_both_orders(
    before: FieldSpec, after: FieldSpec, operator: Callable[[Tensor], Tensor], seed: int
) -> None:
    """Check operator∘Q = Q∘operator for all symmetries of both sets of fields."""
    frames = noise(before, seed)
    others = {(each.source, each.direction): each for each in symmetries(after)}
    assert len(others) >= len(symmetries(before)) > 1
    for symmetry in symmetries(before):
        first = operator(symmetry(frames)[0])
        second = others[symmetry.source, symmetry.direction](operator(frames[0])[None])[0]
        torch.testing.assert_close(first, second, rtol=0, atol=1e-11)


@FEW
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_divergence_is_a_scalar(shape: tuple[int, ...], seed: int) -> None:
    velocity = spec_of(shape, *vector("velocity", shape))

    def divergence(field: Tensor) -> Tensor:
        return torch.stack([slope(part, axis) for axis, part in enumerate(field)]).sum(0)[None]

    same_in_both_orders(velocity, spec_of(shape, "divergence"), divergence, seed)


@FEW
@given(shape=SHAPES.filter(lambda shape: len(shape) > 1), seed=st.integers(0, 99))
def test_curl_is_pseudo_and_its_curl_is_not(shape: tuple[int, ...], seed: int) -> None:
    velocity = spec_of(shape, *vector("velocity", shape))
    names = ("vorticity",) if len(shape) == 2 else vector("vorticity", shape)
    same_in_both_orders(velocity, spec_of(shape, *names), curl, seed)
    if len(shape) == 3:
        current = spec_of(shape, *vector("current_density", shape))
        magnetic = spec_of(shape, *vector("magnetic_field", shape))
        same_in_both_orders(magnetic, current, curl, seed)


@FEW
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_kinetic_energy_only_moves(shape: tuple[int, ...], seed: int) -> None:
    velocity = spec_of(shape, *vector("velocity", shape))
    energy = spec_of(shape, "kinetic_energy")
    same_in_both_orders(velocity, energy, lambda field: field.square().sum(0, keepdim=True), seed)


@FEW
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_a_step_of_diffusion_and_reaction_commutes(shape: tuple[int, ...], seed: int) -> None:
    spec = spec_of(shape, "activator", "inhibitor")

    def step(state: Tensor) -> Tensor:
        u, v = state
        reaction = torch.stack([u - u**3 - v, u - v])
        return state + 0.1 * (torch.stack([laplacian(u), 2 * laplacian(v)]) + reaction)

    same_in_both_orders(spec, spec, step, seed)
    frames = noise(spec, seed)
    shifts = [seed % points for points in shape]
    dims = list(range(1, 1 + len(shape)))
    after = step(frames[0].roll(shifts, dims))
    torch.testing.assert_close(after, step(frames[0]).roll(shifts, dims), rtol=0, atol=0)


@FEW
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_a_step_of_burgers_equation_commutes(shape: tuple[int, ...], seed: int) -> None:
    spec = spec_of(shape, *vector("velocity", shape))

    def step(state: Tensor) -> Tensor:
        advection = [
            torch.stack([state[axis] * slope(part, axis) for axis in range(len(shape))]).sum(0)
            for part in state
        ]
        diffusion = torch.stack([laplacian(part) for part in state])
        return state + 0.1 * (diffusion - torch.stack(advection))

    same_in_both_orders(spec, spec, step, seed)


@settings(max_examples=8)
@given(size=st.integers(3, 5), seed=st.integers(0, 99))
def test_a_step_of_induction_and_lorentz_force_commutes(size: int, seed: int) -> None:
    shape = (size,) * 3
    spec = spec_of(shape, *vector("velocity", shape), *vector("magnetic_field", shape))

    def step(state: Tensor) -> Tensor:
        velocity, field = state[:3], state[3:]
        force = torch.linalg.cross(curl(field), field, dim=0)
        induction = curl(torch.linalg.cross(velocity, field, dim=0))
        return state + 0.1 * torch.cat([force, induction])

    same_in_both_orders(spec, spec, step, seed)


@FEW
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_the_divergence_of_a_stress_is_a_force(shape: tuple[int, ...], seed: int) -> None:
    axes = range(len(shape))
    pairs = [(a, b) for a in axes for b in axes if a <= b]
    stress = spec_of(shape, *(f"stress_{AXES[a]}{AXES[b]}" for a, b in pairs))

    def divergence(state: Tensor) -> Tensor:
        at = {pair: state[index] for index, pair in enumerate(pairs)}
        full = [[at[min(a, b), max(a, b)] for b in axes] for a in axes]
        rows = [torch.stack([slope(full[a][b], b) for b in axes]).sum(0) for a in axes]
        return torch.stack(rows)

    same_in_both_orders(stress, spec_of(shape, *vector("force", shape)), divergence, seed)


@given(
    shape=SHAPES,
    name=st.sampled_from(["flip", "rotate", "roll"]),
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4),
    directed=st.booleans(),
)
def test_energy_and_mean_survive(
    shape: tuple[int, ...], name: str, seeds: list[int], directed: bool
) -> None:
    spec = spec_of(shape, "density", *vector("velocity", shape))
    if directed:
        grid = spec.grid
        held = Grid(
            axes=grid.axes,
            shape=shape,
            spacing=grid.spacing,
            boundary=grid.boundary,
            directed=grid.axes[-1:],
        )
        spec = FieldSpec(fields=spec.fields, grid=held, time_step=1.0)
    frames = torch.stack([noise(spec, seed % 1000) for seed in seeds])
    leads = torch.ones(len(seeds), 1, dtype=torch.long)
    batch = FieldBatch(spec=spec, history=frames, lead_steps=leads, targets=frames)
    after = AUGMENTATIONS[name]().build()(batch, seeds)
    assert after.targets is not None
    assert torch.equal(after.history, after.targets)
    squares = frames.square().flatten(3).sum(3), after.history.square().flatten(3).sum(3)
    torch.testing.assert_close(squares[0][:, :, 1:].sum(2), squares[1][:, :, 1:].sum(2))
    sums = frames.flatten(3).sum(3), after.history.flatten(3).sum(3)
    torch.testing.assert_close(sums[0][:, :, 0], sums[1][:, :, 0])
    if directed:
        torch.testing.assert_close(sums[0][:, :, -1], sums[1][:, :, -1])
